"""What the server's people take of it, each with a button that frees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import streamlit as st

from dashboard import audit, cache, disk, ownership, quotas, state
from dashboard.data_slot import SLOT
from dashboard.language import _, _n
from dashboard.numbers import duration
from dashboard.sessions import open_sessions
from dashboard.sign_in.session import needs_sign_in
from dashboard.widgets.data_table import data_table
from dashboard.widgets.models import device_name
from dashboard.widgets.notices import guarded
from dashboard.widgets.run_actions import stop
from interpret.core.units import gigabytes

# Of people and tabs so many are listed.
_LISTED = 50


def _card(title: str, draw: Callable[[], None]) -> None:
    with st.container(border=True):
        st.markdown(f"#### {title}")
        guarded(draw)()


def _free(label: str, key: str, work: Callable[[], str], why: str, disabled: bool = False) -> None:
    """Draw the button that frees something, which is written down, and say what came of it."""

    def free() -> None:
        if not ownership.runs_server():
            return
        st.toast(work(), icon=":material/mop:")
        audit.note("freed", "server", state.runs_folder(), key)

    st.button(
        label,
        key=f"free:{key}",
        icon=":material/mop:",
        help=why,
        disabled=disabled,
        on_click=guarded(free),
    )


def sessions_card() -> None:
    """Draw who is here, and let go of the files of those who are not."""

    def draw() -> None:
        found, kept, now = open_sessions(), SLOT.kept, time.time()
        st.markdown(_n("{count} open tab", "{count} open tabs", len(found)).format(count=len(found)))
        columns: dict[str, list[str]] = {}
        if needs_sign_in():
            columns[_("Name")] = [one.who for one in found[:_LISTED]]
            columns[_("Address")] = [one.address for one in found[:_LISTED]]
        columns |= {
            _("Page"): [one.page or "/" for one in found[:_LISTED]],
            _("Open for"): [duration(now - one.begun) for one in found[:_LISTED]],
            _("Last used"): [_("{time} ago").format(time=duration(now - one.last)) for one in found[:_LISTED]],
        }
        data_table(columns, key="server_sessions")
        st.caption(
            _("Uploaded files in memory: {count}, {used} of at most {most} GB.").format(
                count=kept.count, used=gigabytes(kept.used), most=gigabytes(kept.most)
            )
        )
        _free(
            _("Drop the files of people who have left"),
            "sessions",
            lambda: _freed(SLOT.free({one.browser for one in open_sessions()})),
            _("Files that were uploaded in tabs that are closed now. Who comes back uploads them again."),
        )

    _card(_("Sessions"), draw)


def memory_card() -> None:
    """Draw the memory of the process, and forget results."""

    def draw() -> None:
        kept, own = cache.results_kept(), psutil.Process().memory_info().rss
        machine = psutil.virtual_memory()
        st.markdown(
            _("This process takes {own} GB; {free} of {total} GB are free on the machine.").format(
                own=gigabytes(own), free=gigabytes(machine.available), total=gigabytes(machine.total)
            )
        )
        st.caption(
            _("Results and files as they were read: {count}, {used} of at most {most} GB.").format(
                count=kept.count, used=gigabytes(kept.used), most=gigabytes(kept.most)
            )
        )

        def forget() -> str:
            cache.clear()
            return _freed(kept.used)

        _free(
            _("Forget kept results"),
            "memory",
            forget,
            _("Who looks at one has it computed again."),
            disabled=not kept.count,
        )

    _card(_("Memory"), draw)


def device_card() -> None:
    """Draw the devices and the models on them, and let go of these."""

    def draw() -> None:
        from interpret.core.devices import available_devices

        kept = cache.models_kept()
        for device in available_devices():
            st.markdown(
                _("{name}: {description}, {free} of {total} GB free").format(
                    name=device_name(device.name),
                    description=device.description,
                    free=gigabytes(device.free),
                    total=gigabytes(device.total),
                )
            )
            if device.name in kept:
                one = kept[device.name]
                st.caption(
                    _n(
                        "{count} model is loaded, {used} of at most {most} GB.",
                        "{count} models are loaded, {used} of at most {most} GB.",
                        one.count,
                    ).format(count=one.count, used=gigabytes(one.used), most=gigabytes(one.most))
                )
        used = sum(one.used for one in kept.values())

        def unload() -> str:
            cache.let_go_of_models()
            return _freed(used)

        _free(
            _("Unload all models"),
            "device",
            unload,
            _("Who needs one has it loaded again."),
            disabled=not used,
        )

    _card(_("Device"), draw)


def queue_card() -> None:
    """Draw who waits for devices and which runs are at work, and stop what takes long."""

    def draw() -> None:
        from interpret.attribution.row_jobs import list_jobs, stop_job
        from interpret.core.device_queue import all_queues, others_at_long_work, stop_long_work

        for name, queue in sorted(all_queues().items()):
            short, longer = queue.waiting
            st.markdown(
                _("{name}: waiting for it: {short} short and {long} longer requests.").format(
                    name=device_name(name), short=short, long=longer
                )
            )
        at_work = others_at_long_work()
        st.markdown(_n("{count} long computation", "{count} long computations", at_work).format(count=at_work))
        active = [run for run in ownership.runs() if run.active]
        st.markdown(
            _n("{count} run trains or waits", "{count} runs train or wait", len(active)).format(count=len(active))
        )

        explained = [job for folder in ownership.all_explanations() for job in list_jobs(folder) if job.active]
        st.markdown(
            _n("{count} file is explained or waits", "{count} files are explained or wait", len(explained)).format(
                count=len(explained)
            )
        )

        def stop_all() -> str:
            stopped = stop_long_work()
            stop(*(run for run in ownership.runs() if run.active))
            for job in explained:
                stop_job(job)
                audit.note("stopped", "explanation", job.folder, job.request.name)
            return _("Stopping. Long computations: {long}; runs: {runs}; files: {files}.").format(
                long=stopped, runs=len(active), files=len(explained)
            )

        _free(
            _("Stop all long work"),
            "queue",
            stop_all,
            _("Computations on pages end with a notice. Runs keep a checkpoint, and can be resumed."),
            disabled=not (at_work or active or explained),
        )

    _card(_("Queue"), draw)


def disk_card() -> None:
    """Draw what is on the disk and whose it is, and delete what was never completed."""

    def draw() -> None:
        root = state.runs_folder()
        found: dict[tuple[str, str], list[Path]] = {}
        for run in ownership.runs():
            owner = ownership.owner_of(run.folder)
            found.setdefault(("", _("nobody")) if owner is None else (owner.id, owner.name), []).append(run.folder)
        for folder in sorted(ownership.people_folder().iterdir()) if ownership.people_folder().is_dir() else ():
            owner = ownership.owner_of(folder)
            found.setdefault(("", _("nobody")) if owner is None else (owner.id, owner.name), []).append(folder)
        st.markdown(
            _("Runs and explanations take {used} GB; {free} GB are free.").format(
                used=gigabytes(disk.bytes_of([root])), free=gigabytes(disk.free_bytes(root))
            )
        )
        if needs_sign_in():
            sizes = sorted(((disk.bytes_of(where), name) for (_id, name), where in found.items()), reverse=True)
            data_table(
                {
                    _("Owner"): [name for _size, name in sizes[:_LISTED]],
                    _("GB"): [gigabytes(size) for size, _name in sizes[:_LISTED]],
                },
                key="server_disk",
            )
            st.caption(_("At most {most} GB for each person.").format(most=gigabytes(quotas.most_kept())))
        left = disk.unfinished(root)
        _free(
            _("Delete unfinished folders"),
            "disk",
            lambda: _freed(disk.delete(disk.unfinished(root))),
            _(
                "Folders of runs and explanations whose making was never completed, because the disk was full or the "
                "machine stopped, a day ago or more. What has a model or a result is not deleted."
            ),
            disabled=not left,
        )

    _card(_("Disk"), draw)


def cache_card() -> None:
    """Draw the vectors that are kept on the disk, and delete them."""

    def draw() -> None:
        store = cache.store()
        used = store.used()
        st.markdown(
            _("Embeddings on the disk: {used} of at most {most} GB.").format(
                used=gigabytes(used), most=gigabytes(state.embeddings_limit())
            )
        )

        def empty() -> str:
            store.clear()
            return _freed(used)

        _free(
            _("Delete kept embeddings"),
            "cache",
            empty,
            _("Who looks at them has them computed again."),
            disabled=not used,
        )

    _card(_("Cache"), draw)


def _freed(size: int) -> str:
    return _("Freed: {size} GB.").format(size=gigabytes(size))
