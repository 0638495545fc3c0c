from dataclasses import asdict, replace

from tests.records import DATA, PRICE, record
from tracker.reading.listing import document


def test_a_line_for_programs_holds_every_field_but_what_was_asked() -> None:
    for one in (record(price=PRICE, data=DATA), record(values={"loss/val": None}, price=None)):
        plain = asdict(replace(one, asked={}))
        del plain["run"], plain["asked"]
        assert document(one) == {**plain, "path": str(one.run.path)}


def test_a_line_for_programs_is_nobody_elses() -> None:
    one = record(price=PRICE)
    found = document(one)
    found["metrics"]["accuracy/val"]["last"] = found["price"]["flops"] = None
    assert one == record(price=PRICE, id=one.id, run=one.run, started=one.started)
