"""The order of the queue: arrival, and a priority that never starves whoever it passes."""

from datetime import timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.risk.turns import Priority, Waiting, competes, in_turn
from tests.make.parties import NOW

RULE = Priority(passes_max=2, days_max=30)


def one(needs: str, *, preferred: bool = False, **facts: object) -> Waiting:
    values = {"since": NOW, "passed": 0, "retake": False} | facts
    return Waiting(id=uuid4(), needs=frozenset(needs), preferred=preferred, **values)  # type: ignore[arg-type]


waiting = st.builds(
    Waiting,
    id=st.uuids(),
    needs=st.frozensets(st.sampled_from("abc"), min_size=1, max_size=2),
    since=st.integers(0, 40).map(lambda days: NOW - timedelta(days=days)),
    preferred=st.booleans(),
    passed=st.integers(0, 3),
    retake=st.just(False),
)
queues = st.lists(waiting, max_size=10, unique_by=lambda each: each.id)


def test_without_a_rule_arrival_decides() -> None:
    arrived = [one("a"), one("a", preferred=True)]

    assert in_turn(arrived, None, now=NOW) == arrived


def test_the_preferred_go_first_in_their_own_order() -> None:
    slow, first, second = one("a"), one("a", preferred=True), one("a", preferred=True)

    assert in_turn([slow, first, second], RULE, now=NOW) == [first, second, slow]


def test_whoever_was_passed_often_enough_is_passed_no_more() -> None:
    slow = one("a", passed=1)
    quick = [one("a", preferred=True) for _ in range(3)]

    assert in_turn([slow, *quick], RULE, now=NOW) == [quick[0], slow, *quick[1:]]


def test_whoever_waited_long_enough_is_passed_no_more() -> None:
    slow = one("a", since=NOW - timedelta(days=30))
    quick = one("a", preferred=True)

    assert in_turn([slow, quick], RULE, now=NOW) == [slow, quick]


def test_nobody_passes_a_retake() -> None:
    retake, quick = one("a", retake=True), one("a", preferred=True)

    assert in_turn([retake, quick], RULE, now=NOW) == [retake, quick]


@given(queues)
def test_nobody_is_passed_more_often_than_the_rule_allows(arrived: list[Waiting]) -> None:
    turns = in_turn(arrived, RULE, now=NOW)

    assert sorted(each.id for each in turns) == sorted(each.id for each in arrived)
    arrival = {each.id: number for number, each in enumerate(arrived)}
    for index, each in enumerate(turns):
        passing = [
            ahead
            for ahead in turns[:index]
            if arrival[ahead.id] > arrival[each.id] and competes(ahead, each)
        ]
        assert len(passing) <= max(0, RULE.passes_max - each.passed)
        assert all(ahead.preferred and not each.preferred for ahead in passing)
        if passing:
            assert NOW - each.since < timedelta(days=RULE.days_max)


@given(queues)
def test_without_preferred_ones_the_rule_changes_nothing(arrived: list[Waiting]) -> None:
    plain = [each for each in arrived if not each.preferred]

    assert in_turn(plain, RULE, now=NOW) == plain
