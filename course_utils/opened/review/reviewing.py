"""Stores a learner's verdicts on a release, and compares them with what the release's files show."""

import json
import re
from datetime import date
from html import escape
from pathlib import Path

from course_utils import views
from course_utils.errors import CourseError
from course_utils.learning import answers, before_after, verdicts
from course_utils.learning.question import marked_up, without_marks
from course_utils.opened.review import facts
from course_utils.opened.review import page as pages
from course_utils.opened.review.facts import VERDICTS, findings
from course_utils.opened.review.folder import RELEASES, claims, drawn, plain_name
from course_utils.views.picture import BLUE, LINE, VERMILLION, Picture, card, row_html, scrolled, table_html

LONGEST = {"because": 180, "evidence": 100}  # characters for which the page has room


def finished_page() -> Picture:
    """Show the upper part of a finished page, with two claims of a release that is invented."""
    claimed = [
        (True, "It has 10 layers.", "fails", 90, "12 layers", "Its settings list 12 layers.", ""),
        (
            False,
            "It was made in Norway.",
            "fails",
            80,
            "nothing on it in README.md",
            "No file says that it was made in Norway.",
            "cannot know. No file of the release shows where it was made.",
        ),
    ]
    scored = verdicts.tally([(agrees, confidence) for agrees, _, _, confidence, *_ in claimed])
    figures = {
        f"{scored.right} of {scored.answered}": "verdicts as the course finds",
        f"{scored.confidence:.0%}": "sure on average",
        f"{scored.brier:.3f}": "Brier score: 0 is best",
    }
    cells = "".join(
        '<span style="display:inline-block;margin:0 28px 8px 0">'
        f'<b style="font-size:24px;color:{VERMILLION}">{figure}</b><br>{words}</span>'
        for figure, words in figures.items()
    )
    heads = ("as the course?", "The makers claim", "Verdict, how sure", "Evidence", "Because")
    style = f'style="text-align:left;vertical-align:top;padding:4px 8px;border-top:1px solid {LINE}"'
    rows = row_html("".join(f"<td {style}>{head}</td>" for head in heads))
    alt = "A finished page by Toni Berg. " + " ".join(f"{a} {b}." for a, b in figures.items())
    for number, (agrees, words, verdict, confidence, evidence, because, course) in enumerate(
        claimed, start=1
    ):
        sign, claim, given = "✓" if agrees else "✗", f"{number}. {words}", f"{verdict}, {confidence}%"
        rows += row_html(
            "".join(
                f"<td {style}>{part}</td>" for part in (f"<b>{sign}</b>", claim, given, evidence, because)
            )
        )
        alt += f" {sign} {claim} {given}. Evidence: {evidence}. Because: {because}"
        if course:
            rows += row_html(
                f'<td></td><td colspan="4" style="text-align:left"><i>The course: {course}</i></td>'
            )
            alt += f" The course: {course}"
    title = "Toni Berg judged the claims of Robin 1 by opening the release"
    table = scrolled(table_html(rows))
    return Picture(card(cells + table, title, "The release and its reviewer are invented."), alt)


class Review:
    """One learner's review of the release that is assigned to their name.

    name : the learner's own name, as it is to stand on the page

    `release` is the release's name, `folder` its folder, `claims` the words of its claims, in their order.
    Verdicts are kept in the file of answers under this name, so that they can be given on several days.

    Raises CourseError if `name` is no name.
    """

    def __init__(self, name: str):
        self.name = plain_name(name)
        self.release = drawn(self.name)
        self.folder = RELEASES / self.release
        self.claims = [claim["words"] for claim in claims(self.release)]

    # What the makers say

    def press(self) -> Picture:
        """Show the press text of the release, with its claims numbered."""
        text = (self.folder / "PRESS.md").read_text(encoding="utf-8")
        title, *paragraphs = (part.strip() for part in text.split("\n\n"))
        html, words = "", f"{title.removeprefix('# ')}. "
        for paragraph in paragraphs:
            marked = escape(paragraph, quote=False)
            words += paragraph + " "
            for number, claim in enumerate(self.claims, start=1):
                badge = (
                    f'<sup style="color:{BLUE};font-weight:700">{number}</sup>'
                    f'<span style="border-bottom:1.5px solid {BLUE}">{escape(claim, quote=False)}</span>'
                )
                marked = marked.replace(escape(claim, quote=False), badge)
            html += f'<p style="margin:8px 0;font-size:16px;line-height:1.6">{marked}</p>'
        note = "The makers and their words are invented. The model, its texts and its files are real."
        return Picture(card(html, title.removeprefix("# "), note), f"{words}{len(self.claims)} claims.")

    def claim(self, number: int) -> Picture:
        """Show one claim, and the rule by which the course decides it.

        Raises CourseError if there is no such claim.
        """
        words, rule = self._words(number), facts.rule(claims(self.release)[number - 1])
        cases = [marked_up(case) for case in rule.split("\n")]
        listed = "".join(f'<li style="margin:3px 0">{case}</li>' for case in cases)
        shown = f'<ul style="margin:4px 0 0;padding-left:20px">{listed}</ul>' if cases[1:] else cases[0]
        html = (
            f'<div style="font-size:17px">“{escape(words, quote=False)}”</div>'
            f'<div style="margin-top:8px"><b>How the course decides:</b> {shown}</div>'
        )
        alt = f"Claim {number}: “{words}” How the course decides: {without_marks(rule)}".replace("\n", " ")
        return Picture(card(html, f"Claim {number}"), alt)

    # What the learner says

    def beforehand(self, holds=(), confidence=None):
        """Store which claims the learner expects to hold, before the release is opened.

        holds : the numbers of these claims; all others are expected to fail or to stay open
        confidence : how sure the learner is of each of these guesses, on average, in percent, from 0 to 100;
            without it, nothing is stored or changed

        Once a verdict is given, the guess can't be changed. Prints what is stored now. Raises CourseError if
        there is no such claim, or if the confidence can't be read.
        """
        if confidence is not None and not self.decided():
            for number in holds:
                self._words(number)
            given = {"holds": sorted(set(holds)), "confidence": self._percent(confidence)}
            answers.record("review", self._key("beforehand"), json.dumps(given))
        if stored := self._beforehand():
            listed = ", ".join(map(str, stored["holds"])) or "none"
            print(f"You expect to hold: {listed} of {len(self.claims)}; {stored['confidence']}% sure.")
        elif self.decided():
            print("You have given a verdict by now: a guess would come too late.")
        else:
            print("Which claims will hold? Give their numbers, and how sure you are.")

    def verdict(self, number, verdict=None, confidence=None, because="", evidence=""):
        """Store the verdict on a claim. A later verdict replaces it, until the page is written.

        number : the claim's number in the press text, counted from 1
        verdict : "holds", "fails" or "cannot know"; without it, nothing is stored or changed
        confidence : how sure you are that the verdict is right, in percent, from 0 to 100
        because : your reason, in your own words: at least three words, at most 180 characters
        evidence : what your own cell gave: a number or a short text, at most 100 characters

        Prints which verdict is stored now. Raises CourseError if something is missing or can't be read.
        """
        words = self._words(number)
        if verdict is None:
            if given := self.decided().get(number):
                print(
                    f"Claim {number} stays as you decided: {given['verdict']}, {given['confidence']}% sure."
                )
            else:
                print(f"Claim {number} is open: “{words}”")
            return
        if self._written():
            raise CourseError(
                f"Your page was written on {self._written()}, with the verdicts that you had given by then: "
                "they stand. Use review.compare() to see what the course finds."
            )
        given = self._checked(number, verdict, confidence, because, evidence)
        note = answers.record("review", self._key(number), json.dumps(given, ensure_ascii=False))
        left = len(self.claims) - len(self.decided())
        left = f"{left} to go." if left else "All are decided: review.page() writes your page."
        print(f"Claim {number}: {given['verdict']}, {given['confidence']}% sure. {left} {note}".rstrip())

    def decided(self) -> dict[int, dict]:
        """Return the verdicts so far: {number: {"verdict", "confidence", "because", "evidence"}}."""
        stored = answers.read()
        found = {}
        for number in range(1, len(self.claims) + 1):
            entry = stored.get(f"review {self._key(number)}")
            if entry:
                found[number] = json.loads(entry["answer"])
        return found

    def page(self, file="my_page.html", password=None, pdf=True):
        """Write one page of A4 with all verdicts, their evidence and reasons, and the score.

        From then on the verdicts can't be changed.

        file : the HTML file; a PDF is put beside it if this machine has Chromium or Chrome
        password : the learner's password, if the teacher gave one; it seals the page with the learner's name
        pdf : False writes no PDF

        While claims are open, nothing is written, and a sentence says which claims are open. A later call
        writes the same page again. Raises CourseError if the file's name does not end in .html, or if its
        folder is missing.
        """
        done = self.decided()
        still = [str(number) for number in range(1, len(self.claims) + 1) if number not in done]
        if still:
            which = "claim" if len(still) == 1 else "claims"
            print(f"Still open: {which} {', '.join(still)}. The page is written when all are decided.")
            return
        if Path(file).suffix != ".html":
            raise CourseError(f"{str(file)!r} is no name for a page: let it end in .html.")
        if not Path(file).absolute().parent.is_dir():
            where = str(Path(file).parent)
            raise CourseError(f"There is no folder {where!r}: make it first, or leave it out.")
        if not self._written():
            answers.record("review", self._key("written"), date.today().isoformat())
        data = {
            "name": self.name,
            "release": self.release,
            "date": self._written(),
            "answers": [{"claim": number, **given} for number, given in sorted(done.items())],
            "test": {half: sum(right) for half, right in before_after.results().items()}
            | {"of": len(before_after.topics())},
            "article": self._article(),
        }
        pages.write(file, data, password)
        print(
            f"Your page is in {file}: hand in this file. Your verdicts now stand: "
            "review.compare() shows what the course finds."
        )
        if pdf:
            print(pages.write_pdf(file))

    def compare(self, number=None) -> Picture:
        """Show beside each verdict what the course finds by opening the same files, and the score.

        number : the number of one claim to compare; by default all claims

        Claim 1 can be compared alone as soon as it is decided. Before the page is written, nothing else is
        compared: only the number of decided claims is shown.
        Raises CourseError if there is no such claim.
        """
        done = self.decided()
        if number is not None:
            self._words(number)
        chosen = [*range(1, len(self.claims) + 1)] if number is None else [number]
        if chosen != [1] and not self._written():
            text = f"{len(done)} of {len(self.claims)} claims are decided. First write your page."
            return Picture(card(text), text)
        if not set(chosen) <= done.keys():
            text = "Claim 1 is open: give your verdict in the cell above, and run it again."
            return Picture(card(text), text)
        rows = [
            (
                "as the course?",
                "The claim",
                "You",
                "Sure",
                "Your evidence",
                "The course",
                "What the course found",
            )
        ]
        for claim in chosen:
            verdict, found = findings(self.release)[claim]
            given = done[claim]
            mark = "✓" if given["verdict"] == verdict else "✗"
            mine = (given["verdict"], f"{given['confidence']}%", given["evidence"])
            rows.append((f"{mark}\u00a0{claim}", self._words(claim), *mine, verdict, found))
        scored = pages.score([{"claim": claim, **done[claim]} for claim in chosen], self.release)
        alt = f"{scored}. " + " ".join(f"{row[0]}: {row[5]}. {row[6]}" for row in rows[1:])
        note = ""
        if number is None and (guess := self._beforehand()):
            found = findings(self.release)
            judged = [(each in guess["holds"]) == (found[each][0] == "holds") for each in chosen]
            before = verdicts.tally([(right, guess["confidence"]) for right in judged])
            note = f"Before you opened anything, on which claims hold: {before}."
        return views.table(rows, right=(3,), title=f"{scored}", note=note, alt=f"{alt} {note}".rstrip())

    # Helpers of the methods above

    def _words(self, number):
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= len(self.claims):
            raise CourseError(f"There is no claim {number!r}: choose a number from 1 to {len(self.claims)}.")
        return self.claims[number - 1]

    def _key(self, part):
        """Return a key for the file of answers. It contains the name, as learners may share a computer."""
        return f"{self.release} {self.name.casefold()} {part}"

    def _beforehand(self):
        """Return the guess of `beforehand`, {"holds": [numbers], "confidence": percent}, or None."""
        entry = answers.find("review", self._key("beforehand"))
        return json.loads(entry["answer"]) if entry else None

    def _written(self):
        """Return the day on which the page was first written, as 2026-11-27, or None."""
        entry = answers.find("review", self._key("written"))
        return entry["answer"] if entry else None

    def _article(self):
        """Return the learner's score in `course.capstone()`, on the claims of a magazine article.

        The score is {"right": number, "of": number}, or {} if the learner has given no verdict there.
        """
        done = verdicts.decided()
        if not done:
            return {}
        scored = verdicts.score(done)
        return {"right": scored.right, "of": scored.answered}

    @staticmethod
    def _percent(confidence, about=""):
        """Return a confidence as a whole number of percent.

        Raises CourseError, whose message begins with `about`, if the confidence can't be read.
        """
        if isinstance(confidence, str) and confidence.strip():
            raise CourseError(
                f"{about}confidence is {confidence!r}, which is text. Give a number without quotes "
                "and without %, such as confidence=80."
            )
        if isinstance(confidence, bool) or not isinstance(confidence, int | float):
            raise CourseError(f"{about}how sure are you? Give confidence in percent, such as 80.")
        if isinstance(confidence, float) and 0 < confidence < 1:
            raise CourseError(
                f"{about}{confidence} is a share. Give percent, such as {100 * confidence:.0f}."
            )
        if not 0 <= confidence <= 100 or confidence != round(confidence):
            raise CourseError(
                f"{about}{confidence!r} is no confidence: give a whole number from 0 to 100, in percent."
            )
        return int(confidence)

    def _checked(self, number, verdict, confidence, because, evidence):
        if isinstance(verdict, str):
            verdict = verdict.strip().lower()
        if verdict not in VERDICTS:
            raise CourseError(f"{verdict!r} is no verdict: choose one of {', '.join(map(repr, VERDICTS))}.")
        sure = self._percent(confidence, f"Claim {number}: ")
        because = re.sub(r"\s+", " ", because).strip() if isinstance(because, str) else because
        if not isinstance(because, str) or not because:
            raise CourseError(f"Claim {number}: give your reason in because, in a few words of your own.")
        if len(because.split()) < 3:
            raise CourseError(f"Claim {number}: because is {because!r}. Make it three words or more.")
        if evidence is None:
            raise CourseError(
                f"Claim {number}: evidence is None. print(...) gives nothing back: put the number or the "
                "words themselves into found."
            )
        if isinstance(evidence, int) and not isinstance(evidence, bool):
            evidence = f"{evidence:,}"
        evidence = re.sub(r"\s+", " ", str(evidence)).strip()
        if not evidence:
            raise CourseError(
                f"Claim {number}: evidence is empty. Put what your cell showed into it, such as "
                'found = "334 kB", or where you looked and found nothing. If you did, look whether a line '
                'found = "" stands below yours: delete it.'
            )
        for part, text in (("because", because), ("evidence", evidence)):
            if len(text) > LONGEST[part]:
                raise CourseError(
                    f"Claim {number}: {part} has {len(text)} characters, and the page has room for "
                    f"{LONGEST[part]}. Keep what decides."
                )
        return {
            "verdict": verdict,
            "confidence": sure,
            "because": because,
            "evidence": evidence,
        }
