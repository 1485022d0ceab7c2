"""Before-images: the only values the ledger keeps."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from sfsync.errors import Defect, LedgerError
from sfsync.ledger import Ledger, images
from sfsync.ledger.tables import image

CANARY = "mario.rossi@example.org"
TABLE = pa.table(
    {
        "key": pa.array(["P-1", "P-2"], pa.large_string()),
        "before.email": pa.array([CANARY, None], pa.large_string()),
        "cause.email": pa.array([1, 2], pa.int8()),
    }
)


def only(ledger: Ledger, run: str = "r1") -> images.Image:
    (found,) = images.load(ledger, run)
    return found


def save(ledger: Ledger, number: int = 1, table: pa.Table = TABLE) -> Path:
    return images.save(ledger, "r1", "player", "salesforce", number, table)


def test_what_comes_back_is_what_went_in(ledger: Ledger) -> None:
    save(ledger)
    found = only(ledger)
    assert (found.mapping, found.side, found.number) == ("player", "salesforce", 1)
    assert found.table.equals(TABLE)


def test_the_file_is_private_and_unreadable(ledger: Ledger) -> None:
    path = save(ledger)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    body = path.read_bytes()
    assert CANARY.encode() not in body and b"PAR1" not in body and b"email" not in body
    assert [p.name for p in path.parent.iterdir()] == [path.name], "no draft is left behind"


def test_equal_tables_make_different_files(ledger: Ledger) -> None:
    assert save(ledger, 1).read_bytes() != save(ledger, 2).read_bytes()


def test_the_way_back_begins_with_the_last(ledger: Ledger) -> None:
    for number in (1, 2, 10):
        save(ledger, number)
    assert [i.number for i in images.load(ledger, "r1")] == [10, 2, 1]
    assert list(images.load(ledger, "r2")) == []


def refusal(ledger: Ledger) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        list(images.load(ledger, "r1"))
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize("place", [0, 5, 60, -1])
def test_one_changed_bit_is_found(ledger: Ledger, place: int) -> None:
    path = save(ledger)
    body = bytearray(path.read_bytes())
    body[place] ^= 1
    path.write_bytes(body)
    assert refusal(ledger).code == "IMAGE_CHANGED"


def test_a_shortened_or_missing_file_is_found(ledger: Ledger) -> None:
    path = save(ledger)
    path.write_bytes(path.read_bytes()[:8])
    assert refusal(ledger).code == "IMAGE_CHANGED"
    path.unlink()
    assert refusal(ledger).code == "IMAGE_MISSING"


def test_a_file_put_in_the_place_of_another_is_found_though_the_row_was_made_to_fit(ledger: Ledger) -> None:
    first, second = save(ledger, 1), save(ledger, 2)
    first.write_bytes(second.read_bytes())
    with ledger.writing() as connection:
        of_second = sa.select(image.c.sha256).where(image.c.number == 2).scalar_subquery()
        connection.execute(image.update().where(image.c.number == 1).values(sha256=of_second))
    assert refusal(ledger).code == "IMAGE_KEY"


def test_another_key_cannot_read_it(ledger: Ledger) -> None:
    save(ledger)
    stranger = Ledger(ledger.engine, ledger.folder, b"another key, just as long as that")
    assert refusal(stranger).code == "IMAGE_KEY"


def test_saved_again_replaces(ledger: Ledger) -> None:
    save(ledger)
    save(ledger, table=TABLE[:1])
    assert len(only(ledger).table) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ""])
def test_no_name_leaves_the_folder(reopen: Callable[..., Ledger], name: str) -> None:
    with pytest.raises(Defect):
        images.save(reopen(), name, "player", "salesforce", 1, TABLE)
    if name:
        with pytest.raises(Defect):
            images.save(reopen(), "r1", name, "salesforce", 1, TABLE)
