"""Tables by their header: merged cells, empty tables, and every way to be cut off."""

import pytest

from hlsflow.foundation.errors import ReportError
from hlsflow.reports.ascii_table import read_table
from hlsflow.reports.cells import count, count_or_none, count_range, count_with_share, number, time_ns
from hlsflow.reports.consistency import check_real_time, check_share
from hlsflow.reports.figures import Clock

TABLE = """\
    +--------+---------+---------+------+
    |        |  Latency (cycles) |      |
    |  Name  |   min   |   max   | Type |
    +--------+---------+---------+------+
    |dense   |        1|        2|  none|
    | + in   |        3|        4|   yes|
    +--------+---------+---------+------+
    |Total   |        4|        6|     -|
    +--------+---------+---------+------+

after
""".splitlines()


def test_a_merged_header_cell_names_every_column_below_it():
    table = read_table(TABLE, 0, "here")
    assert table.columns == ("Name", "Latency (cycles) min", "Latency (cycles) max", "Type")
    assert table.rows[1] == ("+ in", "3", "4", "yes")
    assert table.first_cells[1] == " + in"
    assert TABLE[table.end] == ""


def test_a_header_cell_may_span_two_lines():
    lines = [
        "+-------+---------+-------+",
        "|       | Latency | Total |",
        "+  RTL  +---------+ (all) +",
        "|       | min|max |       |",
        "+-------+---------+-------+",
        "|   VHDL|   1|   2|      3|",
        "+-------+---------+-------+",
    ]
    table = read_table(lines, 0, "here")
    assert table.columns == ("RTL", "Latency min", "Latency max", "Total (all)")
    assert table.rows == (("VHDL", "1", "2", "3"),)


def test_a_column_is_found_by_its_whole_name():
    table = read_table(TABLE, 0, "here")
    assert table.column("latency .* max") == 2
    assert table.column("max") is None
    with pytest.raises(ReportError, match="here: no column 'max'"):
        table.needed_column("max")


def test_two_columns_of_one_name_are_refused():
    lines = ["+---+---+", "| a | a |", "+---+---+", "| 1 | 2 |", "+---+---+"]
    with pytest.raises(ReportError, match="two columns 'a'"):
        read_table(lines, 0, "here").column("a")


def test_a_table_without_rows():
    assert read_table(["+---+", "| a |", "+---+"], 0, "here").rows == ()


@pytest.mark.parametrize("end", range(len(TABLE) - 3))
def test_a_table_that_is_cut_off_names_its_section(end):
    kept = TABLE[:end]
    if end in (4, 7):
        # closed after the header or after a group of rows: the caller asks for the rows that it needs
        assert len(read_table(kept, 0, "here").rows) == {4: 0, 7: 2}[end]
        return
    with pytest.raises(ReportError, match="here: "):
        read_table(kept, 0, "here")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("|dense   |        1|", "|dense            1|"),
        ("|dense   |        1|", "|dense  |        1|"),
        ("|  Name  |   min   |", "|  Name  |   min    "),
        ("    +--------+---------+---------+------+", "    +--------+----x----+---------+------+"),
    ],
)
def test_a_table_that_does_not_line_up_is_refused(old, new):
    with pytest.raises(ReportError, match="here: "):
        read_table("\n".join(TABLE).replace(old, new, 1).splitlines(), 0, "here")


@pytest.mark.parametrize("cell", ["", "-1", "1.0", "١٢", "0x1", "1 2", "~0"])
def test_what_is_no_count(cell):
    with pytest.raises(ReportError, match="LUT: "):
        count(cell, "LUT")


@pytest.mark.parametrize("cell", ["-", "?", "undef", "NA", ""])
def test_every_way_to_write_unknown(cell):
    assert count_or_none(cell, "latency") is None
    assert time_ns(cell, "period") is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("5.00", 5.0),
        ("10.00 ns", 10.0),
        ("0.137 us", 137.0),
        ("0.508 ms", 508000.0),
        ("1.065e+03", 1065.0),
        ("2 sec", 2e9),
    ],
)
def test_times_in_ns(cell, expected):
    assert time_ns(cell, "period") == expected


@pytest.mark.parametrize("cell", ["5.00 parsecs", "fast", "1.2.3 ns", "5,00"])
def test_what_is_no_time(cell):
    with pytest.raises(ReportError, match="period: "):
        time_ns(cell, "period")


@pytest.mark.parametrize(("cell", "expected"), [("817 (13%)", 817), ("8 (~0%)", 8), ("-", 0), ("123(4.5%)", 123)])
def test_counts_with_their_share(cell, expected):
    assert count_with_share(cell, "DSP") == expected


@pytest.mark.parametrize("cell", ["817 (13", "(13%)", "?", "8 ~0%"])
def test_what_is_no_count_with_a_share(cell):
    with pytest.raises(ReportError, match="DSP: "):
        count_with_share(cell, "DSP")


def test_ranges():
    assert count_range("8", "trips") == (8, 8)
    assert count_range("1 ~ 64", "trips") == (1, 64)
    assert count_range("?", "trips") == (None, None)
    assert count_range("1 ~ ?", "trips") == (1, None)


@pytest.mark.parametrize("cell", ["1e3.5", "one", "--1", ""])
def test_what_is_no_number(cell):
    with pytest.raises(ReportError, match="WNS: "):
        number(cell, "WNS")


def test_shares_are_compared_to_the_digits_that_are_printed():
    check_share(334, 1728, "19", "DSP")
    check_share(4, 624, "~0", "BRAM")
    check_share(0, 0, "0", "URAM")
    check_share(1, 100000, "<0.01", "LUT")
    check_share(18210, 53200, "34.23", "LUT")
    for used, available, share in ((334, 1728, "91"), (40, 624, "~0"), (18210, 53200, "43.23"), (1, 2, "half")):
        with pytest.raises(ReportError, match="here: "):
            check_share(used, available, share, "here")


def test_a_time_is_so_many_cycles_of_one_of_the_two_periods():
    clock = Clock(target_ns=5.0, achieved_ns=7.994)
    check_real_time(63511, 508000.0, clock, "latency")
    check_real_time(10, 50.0, clock, "latency")
    check_real_time(None, None, clock, "latency")
    for cycles, stated in ((63511, 580000.0), (None, 50.0), (10, None)):
        with pytest.raises(ReportError, match="here: "):
            check_real_time(cycles, stated, clock, "here")
