"""Tests licences: each clause has its section and wording, and each answer rests on clauses."""

import dataclasses

import pytest
from pages import Page

from course_utils import CourseError, catalog, licences, opened

LLAMAS = ("llama-2-community", "llama-3-community", "llama-3.1-community", "llama-3.2-community")
LATER = ("llama-4-community", "gemma-terms", "openmdw-1.1")  # newer than the models that the course opens
RAILS = ("creativeml-openrail-m", "openrail++-m")
NAMES = (*LLAMAS, "falcon-180b-tii", "apache-2.0", "mit", *RAILS, "stability-community", *LATER)
NEW = ("deepseek-model", "kimi-k2-modified-mit", "flux-dev")  # of 2025 and 2026
EVERY = licences.all() | licences.later()
EXCLUDED = "Acceptable Use Policy, multimodal models, sentence 1"
each_licence = pytest.mark.parametrize("licence", EVERY.values(), ids=EVERY)


def test_the_licences_of_the_course():
    assert tuple(licences.all()) == NAMES and tuple(licences.later()) == NEW
    assert [name for name in EVERY if licences.find(name).osi_approved] == ["apache-2.0", "mit"]


@each_licence
def test_facts_are_filled(licence):
    assert licence.title
    assert licence.author
    assert licence.short
    assert licence.note
    assert licence.date or licence.name in ("mit", "flux-dev")
    assert bool(licence.read) == licence.later
    assert licence.basis in catalog.BASES
    assert licence.url.startswith("https://")
    assert licence.osi_source.startswith("https://opensource.org/")


@each_licence
def test_clauses_have_a_place_a_kind_a_topic_and_words(licence):
    sections = [clause.section for clause in licence.clauses]
    assert len(set(sections)) == len(sections)
    for clause in licence.clauses:
        assert all(dataclasses.astuple(clause))
        assert clause.kind in licences.KINDS
        assert clause.topic in licences.TOPICS
        assert 2 <= len(clause.quote.split()) <= 35
        assert clause.summary.endswith(".")
        assert licence.section(clause.section) is clause


def test_every_kind_and_topic_is_used():
    clauses = [clause for licence in licences.all().values() for clause in licence.clauses]
    assert {clause.kind for clause in clauses} == set(licences.KINDS)
    assert {clause.topic for clause in clauses} == set(licences.TOPICS)


@each_licence
def test_every_use_has_an_answer_that_rests_on_clauses(licence):
    assert tuple(licence.uses) == licences.USES
    for use in licences.USES:
        verdict = licences.may(licence, use)
        assert verdict == licences.may(licence.name, use)
        assert verdict.answer in licences.ANSWERS
        assert verdict.why.endswith(".")
        assert verdict.clauses
        assert bool(verdict.word) == (verdict.answer != "yes") and len(verdict.word) <= 18
        assert set(verdict.clauses) <= set(licence.clauses)
        kinds = {clause.kind for clause in verdict.clauses}
        if verdict.answer.startswith("yes"):
            assert "permission" in kinds  # only a clause can permit a use
        if verdict.answer == "yes":
            assert kinds <= {"permission", "disclaimer"}
        if verdict.answer in ("yes, with conditions", "ask first"):
            assert kinds & {"condition", "prohibition", "termination"}
        if verdict.answer == "no":
            assert kinds & {"condition", "prohibition"}


def test_every_answer_is_given_somewhere():
    given = {verdict.answer for licence in licences.all().values() for verdict in licence.uses.values()}
    assert given == set(licences.ANSWERS)


@pytest.mark.parametrize("name", [*LLAMAS, "llama-4-community"])
def test_llamas_ask_companies_with_700_million_users(name):
    licence = licences.find(name)
    assert "700 million monthly active users" in licence.section("2").quote
    assert licences.may(licence, "serve it to a billion monthly users").answer == "ask first"


def test_llama_3_1_dropped_the_clause_on_improving_other_models():
    marks = [licences.find(name).mark("improve other models") for name in LLAMAS]
    assert marks == ["prohibition", "prohibition", "permission", "permission"]
    assert all(licences.find(name).section("1.b.v").kind == "prohibition" for name in LLAMAS[:2])
    with pytest.raises(CourseError, match=r"has no section '1\.b\.v' here: its sections are 1\.a; "):
        licences.find("llama-3.1-community").section("1.b.v")
    answers = [licences.may(name, licences.USES[4]).answer for name in LLAMAS]
    assert answers == ["no", "no", "yes, with conditions", "yes, with conditions"]


def test_llama_3_2_licenses_its_multimodal_models_to_nobody_in_the_european_union():
    sentence, exception = licences.find("llama-3.2-community").about("where you are")
    assert (sentence.kind, exception.kind) == ("prohibition", "permission")
    assert "an individual domiciled in, or a company with a principal place of business in" in sentence.quote
    assert sentence in licences.may("llama-3.2-community", "sell a product built on it").clauses
    assert not any(licences.find(name).about("where you are") for name in LLAMAS[:3])


def test_in_the_european_union_llama_4_is_closed_and_of_llama_3_2_a_part():
    answers = {name: licences.may(name, "build on it in the European Union").answer for name in NAMES}
    assert answers.pop("llama-4-community") == "no"
    assert answers.pop("llama-3.2-community") == answers.pop("stability-community") == "yes, with conditions"
    assert set(answers.values()) == {"yes"}
    old, new = (licences.find(name).section(EXCLUDED).quote for name in ("llama-3.2-community", LATER[0]))
    assert old == new


def test_openmdw_asks_nothing_of_the_outputs_and_gemma_counts_what_they_train():
    use = licences.USES[4]
    assert licences.may("openmdw-1.1", use).answer == "yes"
    verdict = licences.may("gemma-terms", use)
    assert verdict.answer == "yes, with conditions" and verdict.word == "under its terms"


def test_kimi_asks_the_largest_for_its_name_and_flux_asks_who_earns():
    kimi = licences.may("kimi-k2-modified-mit", "serve it to a billion monthly users")
    assert kimi.answer == "yes, with conditions" and "Kimi K2" in kimi.clauses[-1].quote
    answers = [licences.may("flux-dev", use).answer for use in licences.USES]
    assert answers.count("ask first") == 5 and answers.count("no") == 2
    rules = [clause for clause in licences.find("deepseek-model").clauses if "Attachment A" in clause.section]
    assert {clause.kind for clause in rules} == {"prohibition"}


def test_every_model_of_the_catalogue_has_its_licence_here():
    """A licence's name in the catalogue, say "Llama 3.2 Community", gives its key, "llama-3.2-community"."""
    for model in catalog.models().values():
        key = model.licence.lower().replace("open rail", "openrail").replace(" ", "-")
        assert any(key.endswith(name) for name in NAMES), model.name


def test_llama_3_asks_for_a_name_on_display():
    assert licences.find("llama-2-community").about("naming") == ()
    assert "“Built with Meta Llama 3”" in licences.find("llama-3-community").section("1.b.i (B)").quote
    assert "“Built with Llama”" in licences.find("llama-3.1-community").section("1.b.i (B)").quote
    assert len(licences.find("llama-3-community").about("naming")) == 2


def test_falcon_180b_asks_about_hosting_and_may_change_its_policy():
    falcon = licences.find("falcon-180b-tii")
    verdict = licences.may(falcon, "offer it to others as a hosted service")
    assert verdict.answer == "ask first"
    assert {clause.section for clause in verdict.clauses} >= {"9.1", "9.3, sentence 1", "9.3, sentence 2"}
    assert falcon.mark("hosting") == "prohibition"
    assert licences.may(falcon, "have a revenue of over a million dollars a year").answer == "yes"
    assert licences.may(falcon, "ship it without naming it").clauses == (falcon.section("6.1"),)
    assert "may be updated from time to time" in falcon.about("policy may change")[0].quote


def test_silence_counts_only_where_the_whole_text_was_read():
    parts = ["stability-community", "gemma-terms"]
    assert [name for name in EVERY if not licences.find(name).whole] == parts
    assert licences.find("stability-community").mark("patents") == licences.UNREAD
    assert licences.find("mit").mark("patents") == licences.SILENT
    unknown = {
        name for name in EVERY for use in licences.USES if licences.may(name, use).answer == "cannot know"
    }
    # The use policy of this licence was not read.
    assert unknown == {"stability-community"}


@pytest.mark.parametrize("name", RAILS)
def test_rail_lists_eleven_restrictions(name):
    licence = licences.find(name)
    items = [clause for clause in licence.clauses if clause.section.startswith("Attachment A")]
    assert [clause.section for clause in items] == [f"Attachment A, item {number}" for number in range(1, 12)]
    assert {clause.kind for clause in items} == {"prohibition"}
    assert (
        licence.section("Attachment A, item 10") in licences.may(licence, "use it for medical advice").clauses
    )
    assert "You are accountable for the Output" in licence.section("6, sentence 2").quote


def test_the_second_rail_licence_dropped_the_duty_to_update():
    first, second = (
        {clause.section: clause.quote for clause in licences.find(name).clauses} for name in RAILS
    )
    assert set(first) - set(second) == {"7, sentence 2"}
    assert second.items() <= first.items()


def test_stability_ends_above_a_million_dollars():
    licence = licences.find("stability-community")
    assert "USD $1,000,000" in licence.section("III, revenue").quote
    assert licences.may(licence, "have a revenue of over a million dollars a year").answer == "ask first"


def test_apache_grants_patents_and_mit_has_one_condition():
    assert licences.find("apache-2.0").mark("patents") == "permission"
    assert [clause.kind for clause in licences.find("apache-2.0").about("patents")] == [
        "permission",
        "termination",
    ]
    conditions = [clause for clause in licences.find("mit").clauses if clause.kind == "condition"]
    assert [clause.section for clause in conditions] == ["paragraph 2"]


def test_wrong_names_say_what_there_is():
    with pytest.raises(CourseError, match="no licence named 'gpl': choose one of llama-2-community, "):
        licences.find("gpl")
    with pytest.raises(CourseError, match="no licence named 'gpl'"):
        licences.may("gpl", licences.USES[0])
    with pytest.raises(CourseError, match="no use 'eat it': choose one of study and modify it; "):
        licences.may("mit", "eat it")
    with pytest.raises(CourseError, match="no topic 'tea': choose one of use and share; "):
        licences.find("mit").about("tea")


@each_licence
def test_a_licence_is_drawn_clause_by_clause(licence):
    picture = opened.clauses(licence)
    Page(picture.html).assert_survives_the_sanitiser()
    for clause in licence.clauses:
        assert clause.quote in picture.alt and clause.section in picture.alt
    assert "not legal advice" in picture.alt


def test_clauses_on_one_topic_can_be_drawn_alone():
    llama = licences.find("llama-2-community")
    picture = opened.clauses(llama, chosen=llama.about("users cap"), title="700 million users")
    assert picture.alt.startswith("700 million users.\nIt permits (1):\n- 1.b.ii: Whoever gets the model")
    assert "It asks (1):\n- 2: A company with over 700 million" in picture.alt
    assert "It forbids" not in picture.alt
    with pytest.raises(ValueError, match="no clause to draw"):
        opened.clauses(llama, chosen=llama.about("naming"))
