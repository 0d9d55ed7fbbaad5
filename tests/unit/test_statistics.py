"""Tests course_utils.statistics against published values, and how often its intervals contain the truth.

A 95% interval should contain the truth 95 times of 100. The tests check that on samples of the lessons'
sizes: by adding up all possible outcomes, or by simulation. The mean percentage over several true values must
be near 95. If the percentage is much lower for one true value, the function's docstring says so.
"""

import math
import subprocess
import sys
from itertools import pairwise

import by_commit
import numpy
import pytest
from lazy import Lazy

from course_utils import CourseError, statistics

stats = Lazy("scipy.stats")
torch = Lazy("torch")

FIVE_SENTENCES = numpy.array([22, 8, 14, 18, 8])  # words in each sentence, as in lesson 09
VOTERS = "abcd"


def percent_containing(ends, truth, weights=None):
    """Return the percentage of intervals that contain the truth. weights : the intervals' probabilities"""
    ends = numpy.asarray(ends)
    contained = (ends[:, 0] <= truth + 1e-9) & (truth <= ends[:, 1] + 1e-9)
    return 100 * float(numpy.average(contained, weights=weights))


# Values from other sources


@pytest.mark.parametrize("hits, count", [(0, 5), (5, 5), (8, 43), (80, 80), (79, 80), (1, 8), (1, 1)])
def test_wilson_is_scipy_s(hits, count):
    theirs = stats.binomtest(hits, count).proportion_ci(0.95, "wilson")
    assert statistics.wilson(hits, count) == pytest.approx((100 * theirs.low, 100 * theirs.high))


def test_wilson_as_published():
    low, high = statistics.wilson(80, 100)
    assert (round(low, 1), round(high, 1)) == (71.1, 86.7)
    assert statistics.wilson(1, 8) == pytest.approx((2.24, 47.09), abs=0.01)
    assert statistics.wilson(8, 43) == pytest.approx((9.743, 32.62), abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 5, 42, 80, 14_042])
def test_no_rate_has_an_interval_of_width_zero(count):
    for hits in {0, count // 2, count}:
        low, high = statistics.wilson(hits, count)
        assert 0 <= low < high <= 100 and low <= 100 * hits / count <= high
    low, high = statistics.paired_difference([1] * count, [1] * count)
    assert low < 0 < high
    for right in (0, 1):
        low, high = statistics.rate_of_clusters([2 * right] * 3, [2] * 3)
        assert 0 <= low < high <= 100
        low, high = statistics.paired_difference([right] * 6, [0] * 6, clusters=[1, 1, 2, 2, 3, 3])
        assert low < 100 * right <= high or low <= 100 * right < high
    low, high = statistics.difference_of_rates(count, count, count, count)
    assert low < 0 < high


def test_newcombe_s_published_example():
    """The expected intervals are those in Newcombe (1998), table II, method 10."""
    assert statistics.difference_of_rates(56, 70, 48, 80) == pytest.approx((5.24, 33.39), abs=0.01)
    assert statistics.difference_of_rates(9, 10, 3, 10) == pytest.approx((17.05, 80.90), abs=0.01)


def tango_by_search(gained, lost, count):
    """Returns the ends of Tango's interval. For each difference, a search finds the most likely shares."""
    inside = []
    for difference in numpy.linspace(-0.999, 0.999, 1_999):
        least = max(0.0, -difference)
        lost_share = numpy.linspace(least, (1 - difference) / 2, 2_001)[1:-1]
        gained_share = lost_share + difference
        rest = 1 - gained_share - lost_share
        usable = (gained_share > 0) & (rest > 0)
        lost_share, gained_share, rest = lost_share[usable], gained_share[usable], rest[usable]
        if not len(rest):
            continue
        logs = (
            gained * numpy.log(gained_share)
            + lost * numpy.log(lost_share)
            + (count - gained - lost) * numpy.log(rest)
        )
        best = lost_share[logs.argmax()]
        variance = count * (2 * best + difference * (1 - difference))
        if abs(gained - lost - count * difference) <= 1.959964 * variance**0.5:
            inside.append(100 * difference)
    return inside[0], inside[-1]


@pytest.mark.parametrize("gained, lost, count", [(8, 0, 42), (14, 2, 24), (3, 5, 16), (33, 0, 40)])
def test_tango_is_what_a_search_finds(gained, lost, count):
    ones = [1] * gained + [0] * (count - gained)
    others = [0] * gained + [1] * lost + [0] * (count - gained - lost)
    found = statistics.paired_difference(ones, others)
    assert found == pytest.approx(tango_by_search(gained, lost, count), abs=0.2)
    turned = statistics.paired_difference(others, ones)
    assert turned == pytest.approx((-found[1], -found[0]))


def test_tango_without_a_difference_is_z_squared_over_n_and_z_squared():
    z = 1.959964
    expected = 100 * z * z / (42 + z * z)
    assert statistics.paired_difference([0] * 42, [0] * 42) == pytest.approx((-expected, expected), abs=1e-4)


def test_mcnemar_s_exact_p():
    ones, others = [1] * 8 + [0] * 34, [0] * 42
    assert statistics.paired_p(ones, others) == pytest.approx(2 / 2**8)
    assert statistics.paired_p(ones, ones) == 1


def test_mean_is_scipy_s():
    values = [3.0, 5.0, 4.0, 9.0, 1.0]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert statistics.mean(values) == pytest.approx((theirs.low, theirs.high))
    wide = stats.ttest_1samp(values, 0).confidence_interval(0.99)
    assert statistics.mean(values, level=99) == pytest.approx((wide.low, wide.high))


def test_clusters_of_equal_size_are_the_mean_of_their_means():
    interval = statistics.ratio([1, 4, 3, 5], [2, 2, 2, 2])
    assert interval == pytest.approx([100 * end for end in statistics.mean([0.5, 2, 1.5, 2.5])])


def test_controls_that_do_not_differ_leave_a_paired_t():
    controls = [[1, 1, 1], [4, 4, 4], [6, 6, 6], [2, 2, 2]]
    assert statistics.beside_controls([2, 7, 8, 2], controls) == pytest.approx(statistics.mean([1, 3, 2, 0]))


@pytest.mark.parametrize("seed", range(4))
def test_kendall_is_scipy_s(seed):
    rng = numpy.random.default_rng(seed)
    one, other = rng.permutation(7), rng.permutation(7)
    theirs = stats.kendalltau(one, other, method="exact")
    ours = statistics.kendall(one, other)
    assert ours.tau == pytest.approx(theirs.statistic) and ours.p == pytest.approx(theirs.pvalue)
    assert ours.pairs == 21 == ours.concordant + ours.discordant and ours.ties == 0
    one, other = rng.integers(3, size=12), rng.integers(4, size=12)
    ours = statistics.kendall(one, other)
    assert ours.tau == pytest.approx(stats.kendalltau(one, other).statistic)
    assert ours.low < ours.tau < ours.high
    assert ours.concordant + ours.discordant + ours.ties == 66
    random = [abs(stats.kendalltau(rng.permutation(one), other).statistic) for _ in range(1_000)]
    assert ours.p == pytest.approx(numpy.mean(numpy.array(random) >= abs(ours.tau) - 1e-9), abs=0.06)


def test_two_pairs_of_fifteen_say_nothing():
    """In lesson 10's tests of memory and of trades, five of six models share the first test's top score."""
    found = statistics.kendall([100, 100, 31, 100, 100, 100], [100, 100, 100, 100, 88, 51])
    assert round(found.tau, 3) == -0.298
    assert (found.pairs, found.concordant, found.discordant, found.ties) == (15, 0, 2, 13)
    # p is 1 because no other order of these scores has a weaker association.
    assert found.low < -0.7 and found.high > 0.3 and found.p == 1


def test_bradley_terry_of_two_models_is_the_log_odds():
    votes = [("a", "b", 1)] * 300 + [("b", "a", 1)] * 100
    ratings = statistics.bradley_terry(votes)
    gap = ratings["a"][0] - ratings["b"][0]
    assert gap == pytest.approx(400 * math.log10(3), abs=0.5)
    assert ratings["a"][0] + ratings["b"][0] == pytest.approx(2_000)
    # If each vote counts alone, the logarithm of the odds has the variance 1/300 + 1/100.
    half = 1.966 * (1 / 300 + 1 / 100) ** 0.5 * 400 / math.log(10) / 2
    low, high = ratings["a"][1]
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)


def test_a_draw_is_half_a_vote():
    drawn = statistics.bradley_terry([("a", "b", 0.5)] * 40 + [("a", "b", 1)] * 20)
    split = statistics.bradley_terry([("a", "b", 1)] * 40 + [("b", "a", 1)] * 20)
    assert drawn["a"][0] == pytest.approx(split["a"][0])


def test_bradley_terry_finds_planted_strengths():
    planted = {"a": 1_250, "b": 1_050, "c": 950, "d": 750}
    rng, votes = numpy.random.default_rng(0), []
    for left in planted:
        for right in planted:
            if left != right:
                wins = 1 / (1 + 10 ** ((planted[right] - planted[left]) / 400))
                votes += [(left, right, float(rng.random() < wins)) for _ in range(1_500)]
    for model, (rating, (low, high)) in statistics.bradley_terry(votes).items():
        assert abs(rating - planted[model]) < 20 and low < rating < high and high - low < 30


def test_one_that_never_lost_has_a_rating_and_one_cluster_no_interval():
    ratings = statistics.bradley_terry([("a", "b", 1), ("a", "b", 1)], clusters=["q", "q"])
    (best, none), (worst, _) = ratings["a"], ratings["b"]
    assert 1_200 < best < 1_600 and best + worst == pytest.approx(2_000) and none is None


def test_elo_repeated_arrives_at_bradley_terry():
    """Elo's rule, applied to the same votes often and in ever smaller steps, gives the fitted ratings."""
    rng = numpy.random.default_rng(1)
    votes = simulated_votes(rng, [1.5, 0.3, -0.3, -1.5], 30, 0)[0]
    ratings = dict.fromkeys(VOTERS, 1_000.0)
    for step in (8, 4, 2, 1, 0.5):
        for _ in range(40):
            for left, right, result in votes:
                expected = 1 / (1 + 10 ** ((ratings[right] - ratings[left]) / 400))
                ratings[left] += step * (result - expected)
                ratings[right] -= step * (result - expected)
    fitted = statistics.bradley_terry(votes)
    assert all(abs(ratings[model] - fitted[model][0]) < 5 for model in VOTERS)


def test_holm_by_hand_and_in_any_order():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([0.03, 0.01, 0.04]) == pytest.approx([0.06, 0.03, 0.06])
    assert statistics.holm([0.6, 0.9]) == [1, 1]
    adjusted = statistics.holm([0.001, 0.01, 0.02, 0.03, 0.5])
    assert all(one <= other for one, other in pairwise(adjusted))


def test_holm_keeps_false_alarms_of_a_whole_series_under_5_in_100():
    rng = numpy.random.default_rng(0)
    series = [min(statistics.holm(rng.random(36))) < 0.05 for _ in range(2_000)]
    assert 0.03 < numpy.mean(series) < 0.065


# How often intervals contain the truth


@pytest.mark.parametrize("count", [5, 8, 16, 24, 36, 40, 42, 48, 80, 134])
def test_wilson_contains_the_truth(count):
    """Adds up all outcomes, weighted by their probabilities, without a simulation."""
    rates = numpy.linspace(0.05, 0.95, 361)
    ends = [statistics.wilson(hits, count) for hits in range(count + 1)]
    likely = stats.binom.pmf(numpy.arange(count + 1)[:, None], count, rates)
    contained = [percent_containing(ends, 100 * rate, likely[:, at]) for at, rate in enumerate(rates)]
    assert 94.9 < numpy.mean(contained) < 95.9
    assert min(contained) > (89 if count < 16 else 91.8)


@pytest.mark.parametrize("count, other", [(36, 8), (24, 24), (42, 42), (164, 164)])
def test_difference_of_rates_contains_the_truth(count, other):
    outcomes = [(hits, others) for hits in range(count + 1) for others in range(other + 1)]
    ends = [statistics.difference_of_rates(hits, count, others, other) for hits, others in outcomes]
    contained = []
    for rate in numpy.linspace(0.1, 0.9, 9):
        for less in numpy.linspace(0.1, 0.9, 9):
            likely = numpy.outer(
                stats.binom.pmf(range(count + 1), count, rate), stats.binom.pmf(range(other + 1), other, less)
            )
            contained.append(percent_containing(ends, 100 * (rate - less), likely.ravel()))
    assert 94.5 < numpy.mean(contained) < 95.5 and min(contained) > 92.9


@pytest.mark.parametrize("count", [16, 24, 40, 42, 80])
def test_paired_difference_contains_the_truth(count):
    outcomes = [(gained, lost) for gained in range(count + 1) for lost in range(count + 1 - gained)]
    ends = []
    for gained, lost in outcomes:
        rest = [0] * (count - gained - lost)
        ends.append(
            statistics.paired_difference([1] * gained + [0] * lost + rest, [0] * gained + [1] * lost + rest)
        )
    counts = [(gained, lost, count - gained - lost) for gained, lost in outcomes]
    contained = []
    for gains in numpy.arange(0.02, 0.6, 0.06):
        for losses in numpy.arange(0.02, 0.6, 0.06):
            if gains + losses < 0.98:
                likely = stats.multinomial.pmf(counts, count, [gains, losses, 1 - gains - losses])
                contained.append(percent_containing(ends, 100 * (gains - losses), likely))
    assert 94.8 < numpy.mean(contained) < 96 and min(contained) > 92.9


def in_clusters(rng, rate, alike, sizes):
    """Returns a random number of hits for each cluster.

    alike : the correlation of two cases in a cluster; 0 if they are independent
    """
    rates = rate
    if alike:
        rates = rng.beta(rate * (1 - alike) / alike, (1 - rate) * (1 - alike) / alike, len(sizes))
    return rng.binomial(sizes, rates)


@pytest.mark.parametrize(
    "sizes, rates, least",
    [
        (FIVE_SENTENCES, (0.03, 0.05, 0.1, 0.2, 0.3, 0.45), 88),
        (numpy.full(16, 2), (0.05, 0.1, 0.2, 0.3, 0.5), 93),
        (numpy.full(48, 32), (0.5, 0.8, 0.95, 0.98), 89),
    ],
)
def test_rate_of_clusters_contains_the_truth(sizes, rates, least):
    rng, contained = numpy.random.default_rng(0), []
    for alike in (0, 0.05, 0.1, 0.2):
        for rate in rates:
            ends = [
                statistics.rate_of_clusters(in_clusters(rng, rate, alike, sizes), sizes) for _ in range(400)
            ]
            contained.append(percent_containing(ends, 100 * rate))
    assert 93 < numpy.mean(contained) < 97.2 and min(contained) > least


def test_cases_of_one_cluster_counted_singly_contain_it_less_often():
    """Wilson's interval over all words is too narrow, because the words of one sentence form a cluster."""
    rng, contained = numpy.random.default_rng(0), []
    for _ in range(1_500):
        hits = in_clusters(rng, 0.3, 0.1, FIVE_SENTENCES)
        contained.append(statistics.wilson(hits.sum(), FIVE_SENTENCES.sum()))
    assert percent_containing(contained, 30) < 86


@pytest.mark.parametrize("count", [5, 8, 16, 36])
def test_mean_contains_the_truth(count):
    rng = numpy.random.default_rng(0)
    normal = [statistics.mean(rng.normal(10, 3, count)) for _ in range(4_000)]
    assert 94 < percent_containing(normal, 10) < 96
    skewed = [statistics.mean(rng.exponential(1, count)) for _ in range(4_000)]
    least = {5: 87, 8: 88, 16: 90, 36: 92.5}[count]
    assert least < percent_containing(skewed, 1) < 95


def test_a_percentile_bootstrap_contains_it_less_often():
    """The middle 95% of bootstrap means is too narrow. So lessons use Student's t for small samples."""
    rng, contained = numpy.random.default_rng(0), {5: [], 8: [], 16: []}
    for count, ends in contained.items():
        for _ in range(1_000):
            values = rng.normal(10, 3, count)
            drawn = values[rng.integers(count, size=(500, count))].mean(1)
            ends.append(numpy.quantile(drawn, [0.025, 0.975]))
    shares = [percent_containing(ends, 10) for ends in contained.values()]
    assert 80 < shares[0] < 88 and shares[0] < shares[1] < shares[2] < 94.5


def test_ratio_contains_the_truth():
    """Tests differences of word error rates on five sentences, and ratios of sums over 36 pairs."""
    rng, contained = numpy.random.default_rng(0), []
    for alike in (0, 0.1):
        for less, more in ((0.03, 0.24), (0.24, 0.39), (0.4, 0.4)):
            ends = []
            for _ in range(800):
                one, other = (in_clusters(rng, rate, alike, FIVE_SENTENCES) for rate in (more, less))
                ends.append(statistics.ratio(one - other, FIVE_SENTENCES))
            contained.append(percent_containing(ends, 100 * (more - less)))
    assert 93 < numpy.mean(contained) < 97 and min(contained) > 92
    ends = []
    for _ in range(2_000):
        before = rng.gamma(3, 9, 36)
        ends.append(statistics.ratio(before * rng.uniform(0, 0.04, 36), before))
    assert 93 < percent_containing(ends, 2) < 97


def test_a_ratio_of_few_errors_is_not_to_be_trusted():
    """With 3% of the words wrong, most sentences have no error. The docstring of `ratio` warns of this."""
    rng = numpy.random.default_rng(0)
    ends = [
        statistics.ratio(in_clusters(rng, 0.03, 0.1, FIVE_SENTENCES), FIVE_SENTENCES) for _ in range(1_000)
    ]
    assert percent_containing(ends, 3) < 80


@pytest.mark.parametrize("facts", [16, 24])
def test_paired_clusters_contain_the_truth(facts):
    """Each fact is asked twice, and the two answers are often right or wrong together."""
    rng, contained, clusters = numpy.random.default_rng(0), [], numpy.repeat(numpy.arange(facts), 2)
    for base in (0.05, 0.3):
        for gain in (0.2, 0.5, 0.65):
            for together in (0, 0.2, 0.5):
                ends = []
                for _ in range(150):
                    before, after = rng.random((2, facts, 2))
                    for each in (before, after):
                        same = rng.random(facts) < together
                        each[same, 1] = each[same, 0]
                    ones, others = (after < base + gain).ravel(), (before < base).ravel()
                    ends.append(statistics.paired_difference(ones, others, clusters))
                contained.append(percent_containing(ends, 100 * gain))
    assert 93 < numpy.mean(contained) < 97


# The test below takes seconds for each (sentences, controls), so `make test` tries one of the two. It tries
# both if course_utils/statistics.py or this file has changed.
TABLES = by_commit.drawn("tables", [(8, 8), (12, 8)], 1, "course_utils/statistics.py", __file__)


@pytest.mark.parametrize("sentences, controls", TABLES)
def test_beside_controls_contains_the_truth(sentences, controls):
    rng, contained = numpy.random.default_rng(0), []
    for of_sentences, of_words, rest in ((5, 10, 5), (10, 5, 5), (2, 10, 10), (10, 10, 20), (1, 1, 10)):
        ends = []
        for _ in range(1_000):
            sentence = rng.normal(0, of_sentences, sentences)
            values = 7 + sentence + rng.normal(0, rest, sentences)
            table = (sentence / 2)[:, None] + rng.normal(0, of_words, controls)
            ends.append(
                statistics.beside_controls(values, table + rng.normal(0, rest, (sentences, controls)))
            )
        contained.append(percent_containing(ends, 7))
    assert 93 < numpy.mean(contained) < 97 and min(contained) > 93


def six_models(rng, agreement, ceilings, times):
    """Returns random scores of six models in two tests of 80 items.

    ceilings : for each test, how many models in 10 get everything right
    """
    one = rng.normal(size=(times, 6))
    other = agreement * one + (1 - agreement**2) ** 0.5 * rng.normal(size=(times, 6))
    scores = []
    for each, ceiling in zip((one, other), ceilings, strict=True):
        top = stats.norm.ppf(1 - ceiling / 10) if ceiling else math.inf
        scores.append(numpy.round(80 * stats.norm.cdf(numpy.minimum(each, top))))
    return scores


@pytest.mark.parametrize("ceilings", [(0, 0), (5, 5), (7, 5)])
def test_kendall_contains_the_truth(ceilings):
    """Tests scores of six models, also if most are tied at the top, as in lesson 10."""
    rng, contained = numpy.random.default_rng(0), []
    for agreement in (-0.9, -0.5, 0, 0.5, 0.9):
        many = six_models(rng, agreement, ceilings, 4_000)
        truth = stats.kendalltau(*(each.ravel() for each in many)).statistic
        ends = []
        for one, other in zip(*(each[:500] for each in many), strict=True):
            if len(set(one)) > 1 and len(set(other)) > 1:
                found = statistics.kendall(one, other)
                ends.append((found.low, found.high))
        contained.append(percent_containing(ends, truth))
    # Ties make the intervals wider, so more of them contain the truth.
    assert 93 < numpy.mean(contained) < (98.5 if 7 in ceilings else 97.2) and min(contained) > 92


def simulated_votes(rng, strengths, questions, alike):
    """Returns random votes on four models' answers to each question.

    alike : by how much each model's strength changes from question to question, as a standard deviation
    """
    votes, asked = [], []
    for question in range(questions):
        here = numpy.array(strengths) + alike * rng.normal(size=4)
        for left in range(4):
            for right in range(left + 1, 4):
                if rng.random() < 0.62:
                    wins = 1 / (1 + math.exp(here[right] - here[left]))
                    result = 0.5 if rng.random() < 0.29 else float(rng.random() < wins)
                    votes.append((VOTERS[left], VOTERS[right], result))
                    asked.append(question)
    return votes, asked


@pytest.mark.parametrize("alike", [0, 1])
@pytest.mark.parametrize("strengths", [(0, 0, 0, 0), (1.8, 0.2, -0.2, -1.8), (3.5, 0.2, -0.2, -3.5)])
def test_bradley_terry_contains_the_truth(strengths, alike):
    """Tests ratings from some 123 votes on 33 questions, as in lesson 10. 8,000 give the true ratings."""
    rng = numpy.random.default_rng(0)
    truth = statistics.bradley_terry(simulated_votes(rng, strengths, 8_000, alike)[0])
    ends = {model: [] for model in VOTERS}
    for _ in range(200):
        for model, (_, span) in statistics.bradley_terry(*simulated_votes(rng, strengths, 33, alike)).items():
            ends[model].append(span)
    contained = [percent_containing(ends[model], truth[model][0]) for model in VOTERS]
    assert 93 < numpy.mean(contained) < 97.5 and min(contained) > 91.5


# Accepted and refused arguments


def test_lists_arrays_and_tensors_give_the_same_intervals():
    ones, others = [1, 0, 1, 1, 0], [0, 0, 1, 0, 0]
    expected = statistics.paired_difference(ones, others)
    for kind in (numpy.array, torch.tensor, tuple, lambda each: torch.tensor(each).bool()):
        assert statistics.paired_difference(kind(ones), kind(others)) == expected
    assert statistics.paired_difference(100 * numpy.array(ones), 100 * torch.tensor(others)) == expected
    halves = torch.tensor([0.5, 1.5, 2.0], dtype=torch.bfloat16, requires_grad=True)
    assert statistics.mean(halves) == pytest.approx(statistics.mean([0.5, 1.5, 2.0]))
    assert statistics.mean([torch.tensor(1.0), torch.tensor(2.0)]) == statistics.mean([1, 2])
    assert statistics.wilson(torch.tensor(3), numpy.int64(5)) == statistics.wilson(3, 5)
    assert all(type(end) is float for end in statistics.wilson(numpy.int64(3), torch.tensor(5)))
    assert all(type(end) is float for end in statistics.rate_of_clusters(torch.tensor([1, 2]), [2, 2]))


# Two forms of a test


def test_a_crossover_tells_the_gain_from_a_difference_of_the_forms():
    """The gain is 3, and form B gives 2 points more.

    So learners who begin with form A gain 3 + 2 points, and those who begin with form B gain 3 - 2.
    """
    noise = numpy.array([-1, 0, 0, 1])
    (gain, span), (forms, ends) = statistics.crossover(5 + noise, 1 + noise)
    assert gain == pytest.approx(3) and forms == pytest.approx(2)
    # By hand: in each group of four, the variance is 2/3. There are six degrees of freedom, so t is 2.447.
    half = 2.447 * (2 * (2 / 3 / 4) / 4) ** 0.5
    assert span == pytest.approx((3 - half, 3 + half), abs=0.001)
    assert ends == pytest.approx((2 - half, 2 + half), abs=0.001)
    assert statistics.crossover([2, 2], [2, 2]) == ((2, (2, 2)), (0, (0, 0)))


@pytest.mark.parametrize("learners", [10, 30])
def test_the_interval_of_a_crossover_contains_the_gain(learners):
    found = statistics.detectable(learners, 2, difference=1)
    assert 93 <= found.contained <= 97


def test_forms_that_differ_by_the_margin_are_called_equivalent_in_5_of_100():
    assert 3 <= statistics.detectable(60, 1.5, difference=1.5, margin=1.5).equivalent <= 6.5


def test_item_rest_is_pearson_s():
    rng = numpy.random.default_rng(2)
    scores = rng.random((40, 4)) < 0.2 + 0.6 * rng.random((40, 1))
    for index, (r, span) in enumerate(statistics.item_rest(scores)):
        theirs = stats.pearsonr(scores[:, index], scores.sum(1) - scores[:, index])
        assert r == pytest.approx(theirs.statistic)
        assert span == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_a_gain_of_all_learners_makes_no_question_better():
    rng = numpy.random.default_rng(3)
    chance = numpy.repeat([0.1, 0.9], 200)[:, None]
    scores, groups = rng.random((400, 6)) < chance, numpy.repeat([0, 1], 200)
    assert min(r for r, _ in statistics.item_rest(scores)) > 0.5
    assert max(abs(r) for r, _ in statistics.item_rest(scores, groups)) < 0.15
    alike = numpy.column_stack([scores, numpy.ones(400)])
    assert statistics.item_rest(alike)[-1] is None


# Calls with wrong arguments


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: statistics.wilson(0.6, 5), "whole numbers: hits from 0 to count, .* not 0.6 of 5"),
        (lambda: statistics.wilson(6, 5), "not 6 of 5"),
        (lambda: statistics.wilson(0, 0), "a count of at least 1"),
        (lambda: statistics.wilson(None, 5), "not None of 5"),
        (lambda: statistics.wilson(1, 5, level=0.95), "The level is in percent"),
        (lambda: statistics.wilson(1, 5, level=100), "The level is in percent"),
        (lambda: statistics.mean([4]), "give at least two values"),
        (lambda: statistics.mean([1, math.nan]), "no missing or infinite"),
        (lambda: statistics.mean([]), "at least one number"),
        (lambda: statistics.mean(3), "plain list of numbers"),
        (lambda: statistics.mean("text"), "must be numbers"),
        (lambda: statistics.rate_of_clusters([3], [5]), "at least two"),
        (lambda: statistics.rate_of_clusters([6, 1], [5, 5]), "needs course.statistics.ratio"),
        (lambda: statistics.paired_difference([1, 0], [1]), "equally long, and have 2 and 1 values"),
        (lambda: statistics.paired_difference([0.2, 0.7], [1, 0]), "1 or 0, True or False, 100 or 0"),
        (lambda: statistics.paired_difference([1, 0], [1, 0], clusters=[1, 1]), "at least two"),
        (lambda: statistics.paired_difference([1, 0, 1], [1, 0, 0], [1, 2]), "3 labels, .* and has 2"),
        (lambda: statistics.ratio([1, 2], [0, 0]), "nothing to divide by"),
        (lambda: statistics.beside_controls([1, 2], [[1], [2]]), "two control words"),
        (lambda: statistics.beside_controls([1, 2], [1, 2]), "rows of equal length"),
        (lambda: statistics.kendall([1, 2], [2, 1]), "at least three"),
        (lambda: statistics.kendall([1, 1, 1], [1, 2, 3]), "All scores of one list are equal"),
        (lambda: statistics.bradley_terry([]), "give at least one"),
        (lambda: statistics.bradley_terry([("a", "b", 2)]), "0.5 for neither"),
        (lambda: statistics.bradley_terry([("a", "a", 1)]), "two different models"),
        (lambda: statistics.holm([0.2, 1.4]), "from 0 to 1"),
        (lambda: statistics.crossover([1], [2, 3]), "two learners in each order"),
        (lambda: statistics.item_rest([[1, 0], [0, 1], [1, 1]], "aab"), "three learners more"),
        (lambda: statistics.detectable(31, 1), "an even number, 10 to 400, not 31"),
        (lambda: statistics.detectable(30, 9), "at most 3.75 of 15"),
    ],
)
def test_wrong_calls_get_a_sentence(call, says):
    with pytest.raises(CourseError, match=says):
        call()


def test_the_module_loads_nothing_before_it_counts():
    """Importing `course_utils.statistics` is quick, because only its functions import numpy and scipy."""
    loaded = "import course_utils, sys; course_utils.statistics; print({'numpy', 'scipy'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "set()"
