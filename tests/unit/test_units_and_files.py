"""Tests how numbers of bytes and times are written, and that a file appears whole or not at all."""

import pytest

from course_utils import files, units
from course_utils.errors import CourseError


@pytest.mark.parametrize(
    "count, text, in_megabytes",
    [
        (0, "0 B", "0 MB"),
        (999, "999 B", "0 MB"),
        (8_192, "8.2 kB", "0 MB"),
        (93_400_000, "93.4 MB", "93 MB"),
        (151_000_000, "151 MB", "151 MB"),
        (999_400_000, "999 MB", "999 MB"),
        (999_600_000, "1.0 GB", "1.0 GB"),
        (16_060_000_000, "16.1 GB", "16.1 GB"),
        (811_700_000_000, "812 GB", "812 GB"),
        (1_623_000_000_000, "1.6 TB", "1.6 TB"),
        (10**18, "1.0 EB", "1.0 EB"),
    ],
)
def test_a_size_is_written_in_the_unit_that_fits_it(count, text, in_megabytes):
    assert (units.size(count), units.size(count, "MB")) == (text, in_megabytes)


def test_durations_and_speeds():
    texts = [units.duration(seconds) for seconds in (59, 61, 720, 5_000, 6_000, 72_000)]
    assert texts == [
        "under a minute", "about 1 min", "about 12 min", "about 83 min", "about 2 hours", "about 20 hours",
    ]  # fmt: skip
    assert units.speed(1_260_000) == "1.3 MB/s"


def test_a_count_is_written_with_its_noun():
    assert [units.counted(number, "token") for number in (0, 1, 2_048)] == [
        "0 tokens",
        "1 token",
        "2,048 tokens",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_of_any_program_is_read(tmp_path, encoding):
    mark = "\ufeff" if encoding.endswith("e") else ""
    (tmp_path / "a.txt").write_bytes(f"{mark}müde, 文\r\n".encode(encoding))
    assert files.read_text(tmp_path / "a.txt") == "müde, 文\r\n"


def test_what_is_neither_is_an_error_unless_told_otherwise(tmp_path):
    (tmp_path / "a.txt").write_bytes("müde".encode("latin-1"))
    with pytest.raises(UnicodeDecodeError):
        files.read_text(tmp_path / "a.txt")
    assert files.read_text(tmp_path / "a.txt", errors="replace") == "m\ufffdde"


@pytest.mark.parametrize("separator", ",;\t")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_of_any_spreadsheet_is_read(separator, encoding, tmp_path):
    text = 'name|"a ""b"""|\n"two\nlines"|x|1|2\n\nlast\n'.replace("|", separator)
    (tmp_path / "a.csv").write_text(text, encoding=encoding)
    first, last = {"name": "two\nlines", 'a "b"': "x", "": "1"}, {"name": "last", 'a "b"': "", "": ""}
    assert files.read_csv(tmp_path / "a.csv") == (["name", 'a "b"', ""], [(3, first), (5, last)])


@pytest.mark.parametrize(
    "data", [None, b"name\n\xff\n", b"x" * 200_000], ids=["missing", "not UTF-8", "a cell too long"]
)
def test_a_file_that_is_no_table_gets_a_sentence(data, tmp_path):
    if data:
        (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(CourseError, match=r"a\.csv can't be read: (No such file|save it as CSV in UTF-8)"):
        files.read_csv(tmp_path / "a.csv")
    (tmp_path / "empty.csv").touch()
    assert files.read_csv(tmp_path / "empty.csv") == ([], [])


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "answers.json"
    files.write_text(path, "first")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as part:
        part.write_text("half")
        1 / 0  # noqa: B018
    assert path.read_text() == "first"
    files.write_text(path, "second")
    assert path.read_text() == "second" and list(tmp_path.iterdir()) == [path]


def test_a_folder_replaces_an_older_one_and_what_a_killed_process_left(tmp_path):
    for name in ("model", "model.building"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old").touch()
    with files.replacing(tmp_path / "model", "model.building") as building:
        building.mkdir()
        (building / "new").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "new"]


def test_windows_may_refuse_at_first(tmp_path, monkeypatch):
    refusals = [PermissionError(), PermissionError()]
    rename = files.os.replace

    def replace(part, path):
        if refusals:
            raise refusals.pop()
        rename(part, path)

    monkeypatch.setattr(files.os, "replace", replace)
    files.write_text(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"
