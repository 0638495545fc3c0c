from tracker.spec.node import Node, Text, place, plain


def test_places_count_lines_and_characters_from_one() -> None:
    text = Text("a.json", 'é\n {"x": 1}\r\n3')
    assert text.place(0) == (1, 1)
    assert text.place(1) == (1, 2)  # the line break belongs to the line it ends
    assert text.place(3) == (2, 2)
    assert text.place(len(text.text) - 1) == (3, 1)


def test_places_in_an_argument_are_not_counted() -> None:
    assert Text("--set a=1", "1", whole=False).place(0) == (0, 0)


def test_the_name_of_a_source_cannot_act_on_a_terminal() -> None:
    problem = Text("\x1b[2J.json", "{}").problem(0, ("a",), "wrong")
    assert str(problem) == "\\x1b[2J.json:1:1: a: wrong"


def test_place_and_plain_are_inverse() -> None:
    value = {"a": [1, 2.5, None, True, {"b": "c"}], "d": {}}
    assert plain(place(value, Text("here"))) == value
    assert plain(place({"a": (1, 2)}, Text("here"))) == {"a": [1, 2]}


def test_holding_keeps_the_place() -> None:
    node = Node(1, Text("a.json", '{"a": 1}'), 6, 1).holding(2)
    assert (node.value, node.start, node.key) == (2, 6, 1)
