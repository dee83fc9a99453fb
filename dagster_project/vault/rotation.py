"""New keys for an old vault: every delivery and the identity database under new ones.

A key file is never written over: the new one stands beside the old until all is done. Deliveries
come first and the database last, in one step, so at any moment one of the two files opens it; a
rotation that was interrupted goes on when it is called again with the same new file.

Here: the new key file and the order of things. Not here: what a key file is (`keys`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from dagster_project.errors import SettingsError
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities
from dagster_project.vault.keys import Keyring, create_successor, read_keyring


def rotate(
    old: Keyring,
    path: Path,
    *,
    directory: Path,
    identities: Identities,
    audiences: Collection[str] = (),
) -> int:
    """Bring the vault under the keys of a new file; returns how many deliveries it holds.

    Persons keep their ids, for these are stored; new codes are drawn under a new key. Pseudonyms of
    an audience change with its key, hence only where that is asked for.

    Args:
        old: Keys that the vault opens to.
        path: Key file to make, or that an interrupted rotation has made.
        directory: Folder of the deliveries.
        identities: The identity database, attached.
        audiences: Whose keys are new as well.

    Raises:
        SettingsError: the file exists and is no successor of the old one, or the disk is full.
        VaultError: a delivery opens to neither key, or is damaged.
    """
    if not path.exists():
        create_successor(old, path, audiences=audiences)
    new = read_keyring(path)
    if not old.person_keys.items() < new.person_keys.items():
        raise SettingsError(
            f"{path} exists and does not follow from the keys in use; name a file that is not there"
        )
    before, after = (DeliveryVault(directory, k.age_identity) for k in (old, new))
    digests = after.digests()
    for sha256 in digests:
        after.reseal(sha256, formerly=before)
    identities.rewrite(new)
    return len(digests)
