"""Opens the history where the settings say."""

from __future__ import annotations

from pathlib import Path

from dashboard.history.store import History, open_history
from dashboard.settings import StoreSettings
from edge_agent.files import make_folder, read_password


def open_store(store: StoreSettings) -> History:
    """The page's database.

    Raises:
        ConfigError: The password file cannot be read.
        InputError: The folder cannot be made, or it is no address.
        DatabaseError: It cannot be opened.
    """
    place = store.where()
    password = read_password(store.password_file, "$.store.password_file") if store.password_file else ""
    if not store.place:
        make_folder(Path(place).parent, 0o700)
    return open_history(place, password=password, max_mb=store.max_mb, min_free_mb=store.min_free_mb)
