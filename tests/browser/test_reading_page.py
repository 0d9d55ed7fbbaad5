"""Tests the page on which an instructor gives points for written answers, in a browser."""

import csv

from lazy import Lazy
from programs import browser, needs

playwright = Lazy("playwright.sync_api")
reading = Lazy("course_utils.grading.reading")

HOSTILE = "</pre><script>document.title = 'taken'</script>\n“well”, she said; =1+1"


@needs("a browser")
def test_points_are_saved_as_a_table_and_nothing_that_a_student_wrote_is_executed(tmp_path):
    question = reading.Question("why", 4.0, "Why?", "Because.")
    rows = [
        dict(zip(reading.COLUMNS, row, strict=True))
        for row in (("a1", HOSTILE, "", ""), ("b2", "words", "3", "good"))
    ]
    file = tmp_path / "why.html"
    file.write_text(reading._page("sheet", question, rows, "sheet.why.csv"), encoding="utf-8")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        page = chromium.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(file.as_uri())
        assert page.title() == "why · sheet" and HOSTILE in page.inner_text("article[data-id=a1] pre")
        assert page.inner_text("#done") == "1 of 2 have points"
        points = page.locator("article[data-id=a1] input")
        points.fill("9")
        page.click("#save")
        assert points.evaluate("each => each.matches(':invalid')")  # 9 are too many, so nothing is saved
        points.fill("2.5")
        page.fill("article[data-id=a1] textarea", 'a "quoted" word,\nand a line')
        assert page.inner_text("#done") == "2 of 2 have points"
        with page.expect_download() as saved:
            page.click("#save")
        assert saved.value.suggested_filename == "sheet.why.csv"
        saved.value.save_as(tmp_path / "saved.csv")
        chromium.close()
    with (tmp_path / "saved.csv").open(encoding="utf-8", newline="") as table:
        got = list(csv.DictReader(table))
    assert [(row["id"], row["points"]) for row in got] == [("a1", "2.5"), ("b2", "3")]
    assert got[0]["comment"].replace("\r\n", "\n") == 'a "quoted" word,\nand a line'
    assert not errors
