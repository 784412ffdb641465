"""Filters as text mean what the command line's mean, and what the builder says."""

import pytest

from onespace import FilterSyntaxError, field, item_field, parse
from onespace.expression import meaning
from onespace.filters import all_of, any_of, equal

SAME = [
    ("colour = red", field("colour") == "red"),
    ("year=1999", field("year") == 1999),
    ('year = "1999"', field("year") == "1999"),
    ("zip = 01234", field("zip") == "01234"),
    ("phone = +49123", field("phone") == "+49123"),
    ("price = 2.0", field("price") == 2),
    ("price = 1.5", field("price") == 1.5),
    ("sold = true", field("sold") == True),  # noqa: E712
    ("sold != true", field("sold") != True),  # noqa: E712
    (".title = 1984", item_field("title") == "1984"),
    ('".title" exists', field(".title").exists()),
    ("price in (1.5, 2, free)", field("price").isin([1.5, 2, "free"])),
    ("a < 1 and b >= 2.5", all_of([field("a") < 1, field("b") >= 2.5])),
    ("a = 1 or b <= 2", any_of([field("a") == 1, field("b") <= 2])),
    ("not draft exists", ~field("draft").exists()),
    ('"a \\"b\\" or (c)" exists', field('a "b" or (c)').exists()),
    ("android = orange", field("android") == "orange"),
    (
        "(a = 1 or b = 2) and not (c = 3 and d > 4)",
        all_of(
            [
                any_of([field("a") == 1, field("b") == 2]),
                ~all_of([field("c") == 3, field("d") > 4]),
            ]
        ),
    ),
    ("colour = red and kind in (mug, cup)", equal({"colour": "red", "kind": ["mug", "cup"]})),
]


@pytest.mark.parametrize(("expression", "built"), SAME)
def test_an_expression_is_what_the_builder_says(expression, built):
    assert parse(expression) == built


def test_and_binds_closer_than_or():
    message = parse("a = 1 or b = 2 and c = 3").message()
    assert (len(message.should), len(message.should[1].filter.must)) == (2, 2)
    message = parse("colour = red and price <= 5 and sold != true and not draft exists").message()
    assert (len(message.must), len(message.must_not), len(message.should)) == (2, 2, 0)
    assert len(parse("not not a exists").message().must_not[0].filter.must_not) == 1


@pytest.mark.parametrize(
    ("broken", "column", "says"),
    [
        ("", 1, "a field"),
        ("colour", 7, "exists"),
        ("= red", 1, "a field"),
        ("price < cheap", 9, "a number"),
        ("kind in mug", 9, "a list"),
        ("colour =", 9, "a value"),
        ("title = salt and pepper", 24, "exists"),
        ("title = red car", 13, "and, or"),
        ("(a = 1", 7, '")"'),
        ("a = 1 or", 9, "a field"),
        ('title = "red', 13, "closing quote"),
        (".owner = me", 2, ".item"),
        ("colour ~ red", 8, "exists"),
    ],
)
def test_errors_point_at_the_column(broken, column, says):
    with pytest.raises(FilterSyntaxError) as wrong:
        parse(broken)
    assert wrong.value.column == column and says in str(wrong.value)


def test_filters_are_no_truths():
    with pytest.raises(TypeError):
        bool(field("a") == 1)
    with pytest.raises(ValueError, match="none of"):
        item_field("colour")
    with pytest.raises(ValueError, match="needs a value"):
        field("a").isin([])
    with pytest.raises(TypeError):
        field("a").isin([[1]])


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("true", True),
        ("null", "null"),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("1_0", "1_0"),
    ],
)
def test_words_are_numbers_as_json_writes_them(word, value):
    assert meaning(word) == value and type(meaning(word)) is type(value)
