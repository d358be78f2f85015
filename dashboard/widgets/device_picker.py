"""The sidebar's pickers of a device and a precision."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.language import _, explain
from dashboard.widgets.choices import choose
from dashboard.widgets.models import device_name
from interpret.core.units import gigabytes


def device_picker() -> None:
    """Draw the device and precision pickers, with what the chosen device is and how much memory is free."""
    from interpret.core.devices import available_devices, find_device, silent_devices

    present = available_devices()
    names = {"auto": _("automatic"), **{device.name: device_name(device.name) for device in present}}
    left, right = st.columns(2)
    before = state.chosen_value(state.DEVICE), state.chosen_value(state.PRECISION)
    name = choose(left.selectbox, _("Device"), names, state.DEVICE)
    device = find_device(name)
    precisions = {"auto": _("automatic"), **{one: one for one in device.precisions}}
    precision = choose(
        right.selectbox,
        _("Precision"),
        precisions,
        state.PRECISION,
        help=_(
            "Automatic means float32, so that the numbers shown can be compared with others. On GPUs that support "
            "bfloat16, fine-tuning uses it, and so does reading whole collections if it changes their vectors little."
        ),
    )
    state.publish(state.DEVICE)
    state.publish(state.PRECISION)
    if (name, precision) != before:
        # The page above was drawn with what this machine does not have.
        st.rerun()
    st.caption(
        _("{name}: {description}, {free} of {total} GB free").format(
            name=device_name(device.name),
            description=device.description,
            free=gigabytes(device.free),
            total=gigabytes(device.total),
        )
    )
    cards = sum(one.name.startswith("cuda") for one in present)
    if name == "auto" and cards > 1:
        st.caption(_("Whole collections and files are read on all {count} GPUs.").format(count=cards))
    for why in silent_devices().values():
        st.caption(explain(why))
