"""Files in the data slot of a page under test, as if they had been uploaded before."""

import uuid

from dashboard.data_slot import SLOT, SlotFile
from interpret.core.characters import whole_characters


def hold(page, name, content, **roles):
    """Put a file into the slot of a page's visitor, in use; ``roles`` say the indices of columns."""
    if "visitor" not in page.session_state:
        page.session_state["visitor"] = uuid.uuid4().hex
    file = SlotFile(whole_characters(name), content, chosen_roles=tuple(roles.items()))
    SLOT.take(page.session_state["visitor"], file)
    return file


def files_of(page):
    """Return the names and contents of the files in a page's slot, the one in use first."""
    return [(one.name, one.content) for one in SLOT.files(page.session_state["visitor"])]


def upload(page, place, name, content):
    """Put a file into a page's own field for it, as a browser does."""
    field = next(one for one in page.file_uploader if one.key.startswith(f"slot:{place}:"))
    field.upload(name, content)
    return page.run()
