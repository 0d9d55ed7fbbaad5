"""Confidence intervals, significance tests and ratings, for all measurements of the course.

Each interval is a 95% interval by default: if the whole measurement were repeated many times, about 95 of
100 such intervals would contain the true value. `level` sets another percentage. The course's own tests
compute or simulate how often each interval contains the true value, for small samples like those of the
lessons. The docstrings give the results.

Rates and the ends of their intervals are in percent. Lists, numpy arrays and torch tensors are accepted.
Cases that depend on each other, such as the words of one sentence, form a cluster. An argument `clusters` is
a list with one label for each case. If a function can't use its values, it raises a CourseError.
"""

import functools
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from course_utils.errors import CourseError

_ALL_ORDERS = 8  # kendall() tries all orders of at most this many things: 8 things have 40,320 orders
_SHUFFLES = 20_000  # for more things, kendall() tries this many random orders
_ELO = 400 / math.log(10)  # the points on Elo's scale that add 1 to the logarithm of the odds

# bradley_terry() also gives each model this fraction of a draw against an imaginary model with 1,000 points.
_DRAWS = 0.1


# Intervals and tests for rates


def wilson(hits, count, level=95):
    """Return the interval of a rate, by Wilson's score method: (low, high) in percent.

    The width is never zero: 80 hits of 80 give 95.4 to 100. For the sample sizes of the lessons (5 to 134),
    95 to 96 of 100 such intervals contain the true rate, averaged over true rates from 5% to 95%. For a
    single true rate the number can be lower or higher, because hits are whole numbers: at worst 89 of 100
    intervals contain the rate if the count is 5 or 8, and 92 if the count is 16 or more.

    hits, count : whole numbers, with hits from 0 to count

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    hits, count = _counts(hits, count)
    return _percent(_wilson(hits, count, _normal(level)))


def rate_of_clusters(hits, counts, level=95):
    """Return the interval (low, high) of a rate whose cases come in clusters, such as words in sentences.

    Cases of the same cluster tend to be right or wrong together, so they carry less information than the same
    number of independent cases. This function measures the *design effect*: how many cases in clusters carry
    as much information as one independent case. It divides the number of cases by the design effect, and
    passes the result to Wilson's method. If all cases are right, or all are wrong, the design effect can't be
    measured, and each whole cluster counts as one case. In Wilson's formula, we replace the quantile of the
    normal distribution by a quantile of Student's t with twice the usual degrees of freedom, because this did
    well in simulations.

    In simulations of five sentences of 8 to 22 words, on average 96 of 100 intervals contained the true rate.
    At worst 90 did, when a fifth of the variance of the words was variance between sentences. In simulations
    of 16 facts that were each asked twice, on average 97 did, and in simulations of 48 pictures of 32 bits
    each, 94.

    hits, counts : for each of at least two clusters, the number of hits and the number of cases
    """
    hits, counts = _numbers(hits, "hits"), _numbers(counts, "counts")
    _same_length(hits, counts, "hits", "counts")
    _at_least_two_clusters(len(hits))
    if (hits < 0).any() or (hits > counts).any() or (counts < 1).any():
        raise CourseError(
            "In each cluster, hits must be from 0 to its count, and the count at least 1. "
            "An error rate that can pass 100% needs course.statistics.ratio()."
        )
    clusters, total, rate = len(hits), counts.sum(), hits.sum() / counts.sum()
    effect = _design_effect(rate * (1 - rate), hits - rate * counts, total)
    cases = total / effect
    return _percent(_wilson(float(rate * cases), float(cases), _student(level, 2 * (clusters - 1))))


def difference_of_rates(hits, count, other_hits, other_count, level=95):
    """Return the interval of a difference of two rates measured on different cases, in percentage points.

    The method is Newcombe's hybrid of two score intervals. For 36 cases against 8, 42 against 42 and 164
    against 164, on average 95 of 100 such intervals contain the true difference, and at worst 93, when both
    rates are between 10% and 90%. If both rates were measured on the same cases, use `paired_difference`.

    hits, count : as in `wilson`
    other_hits, other_count : the hits and the count of the rate that is subtracted

    Source: Newcombe (1998), "Interval estimation for the difference between independent proportions", method
    10.
    """
    hits, count = _counts(hits, count)
    other_hits, other_count = _counts(other_hits, other_count)
    z = _normal(level)
    rate, other = hits / count, other_hits / other_count
    (low, high), (other_low, other_high) = _wilson(hits, count, z), _wilson(other_hits, other_count, z)
    below = math.hypot(rate - low, other_high - other)
    above = math.hypot(high - rate, other - other_low)
    return _percent((rate - other - below, rate - other + above))


def paired_difference(ones, others, clusters=None, level=95):
    """Return the interval of a difference of two rates measured on the same cases, in percentage points.

    The difference comes only from the cases on which the two lists differ. The method is Tango's score
    method. The interval never has a width of zero: if two models agree on all of 42 items, it gives −8.4 to
    8.4. For 16 to 80 cases, on average 95 to 96 of 100 such intervals contain the true difference, and at
    worst 93. If `clusters` are given, their design effect is included as in `rate_of_clusters`. In
    simulations of 16 facts that were each asked twice, 96 to 97 of 100 intervals contained the true
    difference.

    ones, others : two lists with an entry for each case, in the same order: 1, True or 100 if the answer is
        right, 0 or False if it is wrong
    clusters : a label for each case, such as the fact that a question asks for

    Source: Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design".
    """
    first, second = _right_or_wrong(ones, others)
    count = len(first)
    gained, lost = float((first & ~second).sum()), float((~first & second).sum())
    effect = 1.0
    if clusters is not None:
        change = first.astype(float) - second.astype(float)
        sums, sizes = _by_cluster(change, clusters)
        effect = _design_effect(change.var(), sums - change.mean() * sizes, count)
    return _percent(_tango(gained / effect, lost / effect, count / effect, _normal(level)))


def paired_p(ones, others):
    """Return McNemar's exact p value for two lists of right and wrong answers to the same cases.

    The hypothesis is that neither list is better: on a case where the two lists differ, each list is right
    with probability one half. If they differ on no case, p is 1.

    ones, others : as in `paired_difference`
    """
    from scipy.stats import binomtest

    first, second = _right_or_wrong(ones, others)
    gained, lost = int((first & ~second).sum()), int((~first & second).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


# Means and ratios


def mean(values, level=95):
    """Return the confidence interval of a mean, by Student's t: (low, high), in the unit of the values.

    The values must be independent. For rates use `wilson`. If the values are normally distributed, 95 of 100
    such intervals contain the true mean, however many values there are. If their distribution is far from
    symmetric, fewer intervals do. For the exponential distribution, 89 of 100 intervals do with 5 or 8
    values, 91 with 16 values, and 94 with 36 values.

    values : at least two numbers
    """
    values = _numbers(values, "values")
    if len(values) < 2:
        raise CourseError("One number says nothing about how far numbers differ: give at least two values.")
    half = _student(level, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return _around(values.mean(), half)


def ratio(numerators, denominators, level=95):
    """Return the interval of one sum divided by another, such as all errors divided by all words, in percent.

    Each cluster has one pair of numbers, for example a sentence's number of errors and number of words. The
    sample size is the number of clusters. The method computes the ratio again without each cluster in turn
    (the *jackknife*) and uses Student's t. If only few clusters have an error, the interval is too narrow:
    for five sentences and a true rate of 3%, only 59 to 87 of 100 intervals contained the true rate. Use
    `rate_of_clusters` for such data. For rates of 20% and more, 89 to 95 of 100 intervals contained the true
    rate. In simulations of the difference between the rates of two voices, 94 of 100 contained the true
    difference, and in simulations of a ratio over 36 trades, 94 contained the true ratio.

    numerators, denominators : two lists, each with one number for each of at least two clusters
    """
    above, below = _numbers(numerators, "numerators"), _numbers(denominators, "denominators")
    _same_length(above, below, "numerators", "denominators")
    clusters = len(above)
    _at_least_two_clusters(clusters)
    rest = below.sum() - below
    if below.sum() == 0 or (rest == 0).any():
        raise CourseError("The denominators add up to 0, so there is nothing to divide by.")
    whole = above.sum() / below.sum()
    half = _student(level, clusters - 1) * _jackknife_error((above.sum() - above) / rest, whole)
    return _percent(_around(whole, half))


def beside_controls(values, controls, level=95):
    """Return the interval of the mean difference between the values of one word and those of control words.

    The word and the control words were measured in the same sentences.

    The sentences are a sample of all possible sentences, and the control words a sample of all possible
    words. The variances of the two samples are added, and the degrees of freedom are Welch and
    Satterthwaite's. In simulations of 8 sentences and 8 control words, 95 to 96 of 100 intervals contained
    the true difference.

    values : the value of the word in each of at least two sentences
    controls : table (sentences, control words) of the values of at least two control words
    """
    from scipy.stats import ttest_ind

    values, controls = _numbers(values, "values"), _numbers(controls, "controls", dimensions=2)
    _same_length(values, controls, "values", "controls")
    if min(controls.shape) < 2:
        raise CourseError("An interval needs at least two sentences and two control words.")
    differences, words = values - controls.mean(1), controls.mean(0)
    if not differences.var() and not words.var():
        return _around(differences.mean(), 0)
    # Welch's interval is that of a difference of two means. The second sample, the deviations of the control
    # words, has the mean 0. So this sample does not move the interval; its variance makes the interval wider.
    found = ttest_ind(differences, words - words.mean(), equal_var=False)
    return tuple(float(end) for end in found.confidence_interval(2 * _tail(level) - 1))


# Orders and ratings


@dataclass(frozen=True)
class Kendall:
    """How well two orders of the same things agree.

    tau : tau-b, which is 1 if all pairs have the same order in both, and −1 if all have opposite orders
    low, high : the interval of tau, if these things are a sample of a larger number of such things
    pairs : the number of pairs of things
    concordant, discordant : the number of pairs in the same order and in opposite orders; the sign of tau
        depends only on these two numbers
    ties : the number of pairs that are equal in one order or in both
    p : the probability that a random order gives a tau at least as far from 0 as this tau
    """

    tau: float
    low: float
    high: float
    pairs: int
    concordant: int
    discordant: int
    ties: int
    p: float


def kendall(one, other, level=95):
    """Return Kendall's tau-b of two lists of scores of the same things, with its interval and its p value.

    The method starts from the variance that tau has if there is no agreement, and multiplies it by
    (1 − tau²). So the variance falls to 0 at tau = ±1, as the variance of a rate does at 0% and 100%. Ties
    make the interval wider. In simulations of six models, 96 to 97 of 100 intervals contained the true tau,
    and 98 when most scores were tied at the top. For up to eight things p is exact, because all orders are
    tried. For more things it is estimated from 20,000 random orders.

    one, other : two lists, each with a score for each of at least three things
    """
    import numpy

    first, second = _numbers(one, "one"), _numbers(other, "other")
    _same_length(first, second, "one", "other")
    things = len(first)
    if things < 3:
        raise CourseError("Two orders can only be compared if there are at least three things in them.")
    signs, other_signs = (numpy.sign(numpy.subtract.outer(scores, scores)) for scores in (first, second))
    untied, other_untied = int(abs(signs).sum()) // 2, int(abs(other_signs).sum()) // 2
    if not untied or not other_untied:
        raise CourseError("All scores of one list are equal: they put nothing in an order.")
    products = numpy.triu(signs * other_signs)
    concordant, discordant = int((products > 0).sum()), int((products < 0).sum())
    pairs = things * (things - 1) // 2
    tau = (concordant - discordant) / (untied * other_untied) ** 0.5
    low, high = _ends_of_tau(tau, max(untied, other_untied), _normal(level))
    p = _chance_of_order(signs, other_signs, concordant - discordant)
    return Kendall(tau, low, high, pairs, concordant, discordant, pairs - concordant - discordant, p)


def bradley_terry(votes, clusters=None, level=95):
    """Return the ratings on Elo's scale that fit all votes best: {model: (rating, (low, high))}.

    Elo's ratings rest on the model of Bradley and Terry: a player who is 400 points ahead wins ten times for
    each loss. Elo's own rule updates the ratings after each vote, so that the order and the number of the
    votes change the result. This function fits all votes at the same time, so their order does not matter.
    The mean rating is 1,000. Each model also gets a tenth of a draw against a model of 1,000 points, so that
    even a model that never lost has a finite rating.

    For the interval, the ratings are computed again without each cluster in turn (the *jackknife*), and
    Student's t is used, because votes on answers to the same question depend on each other. In simulations
    of four models and about 120 votes on 33 questions, 95 to 97 of 100 intervals contained the true rating.
    The interval is None if all votes are in one cluster.

    votes : list of (left model, right model, result); the result is 1 if the left model won, 0 if the right
        one won, 0.5 for a draw
    clusters : a label for each vote, such as its question; by default each vote is a cluster of its own

    Source: Bradley and Terry (1952), "Rank analysis of incomplete block designs: I. The method of paired
    comparisons".
    """
    import numpy

    votes = list(votes)
    if not votes:
        raise CourseError("Without a vote there is no rating: give at least one.")
    for left, right, result in votes:
        if float(result) not in (0.0, 0.5, 1.0) or left == right:
            raise CourseError(
                "A vote is (left model, right model, result) of two different models: "
                "1 for the left one, 0 for the right one, 0.5 for neither."
            )
    models = sorted({model for left, right, _ in votes for model in (left, right)})
    groups = _indices(range(len(votes)) if clusters is None else clusters, len(votes), "clusters")
    number = groups.max() + 1
    won = numpy.zeros((number, len(models), len(models)))  # [cluster, winner, loser]: number of wins
    for (left, right, result), group in zip(votes, groups, strict=True):
        left, right = models.index(left), models.index(right)
        won[group, left, right] += float(result)
        won[group, right, left] += 1 - float(result)
    all_votes = won.sum(0)
    ratings = _fit(all_votes[None])[0]
    if number < 2:
        return {model: (float(rating), None) for model, rating in zip(models, ratings, strict=True)}
    half = _student(level, number - 1) * _jackknife_error(_fit(all_votes - won), ratings)
    return {
        model: (float(rating), _around(rating, error))
        for model, rating, error in zip(models, ratings, half, strict=True)
    }


# Two forms of a test


def crossover(one_first, other_first, level=95):
    """Return the learners' gain and the difference between a test's forms, A and B, each with its interval.

    The result is ((gain, interval), (difference, interval)). Some learners take form A before a course and
    form B after it, and the others take B first. If B gives more points than A, the first group's scores rise
    more, and the second group's scores rise less by the same number of points. So the gain is half of the sum
    of the two groups' mean rises. Half of the difference of these means is how many more points B gives than
    A. The intervals are Welch's. In simulations of `detectable`, with 10 and 30 learners, 95 of 100 intervals
    contained the true gain.

    one_first, other_first : the second score minus the first, for at least two learners who had A first, and
        for at least two who had B first

    If the 90% interval of the difference lies between −m and m, the forms are equivalent within the margin
    m, with an error rate of 5% (two one-sided tests; Schuirmann, 1987).
    """
    from scipy.stats import ttest_ind

    halves = _numbers(one_first, "one_first") / 2, _numbers(other_first, "other_first") / 2
    if min(map(len, halves)) < 2:
        raise CourseError("A crossed-over test needs at least two learners in each order.")
    found = []
    for sign in (-1, 1):
        first, second = halves[0], sign * halves[1]
        middle = float(first.mean() - second.mean())
        if first.var() or second.var():
            interval = ttest_ind(first, second, equal_var=False).confidence_interval(2 * _tail(level) - 1)
            found.append((middle, tuple(float(end) for end in interval)))
        else:
            found.append((middle, _around(middle, 0)))
    return tuple(found)


def item_rest(scores, groups=None, level=95):
    """Return for each question of a test its correlation with the rest of the test: a list of (r, interval).

    The rest is the sum of the points of all other questions. The correlation says how well the question tells
    those who know more from those who know less. The interval is Fisher's. An entry is None if all answers to
    the question, or all sums, are alike.

    scores : table (learners, questions) of points
    groups : a label for each learner, such as before and after the course. Each group's mean is subtracted
        first. Otherwise a gain that all learners make would raise every correlation
    """
    import numpy

    scores = _numbers(scores, "scores", dimensions=2)
    labels = _indices([0] * len(scores) if groups is None else groups, len(scores), "groups")
    freedom = len(scores) - labels.max() - 3
    if freedom < 1:
        raise CourseError("A correlation needs at least three learners more than there are groups.")
    means = numpy.array([scores[labels == label].mean(0) for label in range(labels.max() + 1)])
    centred = scores - means[labels]
    found = []
    for points in centred.T:
        rest = centred.sum(1) - points
        size = (points @ points * (rest @ rest)) ** 0.5
        if size < 1e-9:
            found.append(None)
            continue
        r = float(numpy.clip(points @ rest / size, -1, 1))
        middle, half = math.atanh(min(max(r, -0.999999), 0.999999)), _normal(level) / freedom**0.5
        found.append((r, (math.tanh(middle - half), math.tanh(middle + half))))
    return found


@dataclass(frozen=True)
class Detectable:
    """What a crossed-over test showed in simulations, in percent of the runs.

    gained : the 95% interval of the gain lay above 0
    contained : the 95% interval of the gain contained the true gain
    equivalent : the 90% interval of the forms' difference lay within the margin
    """

    gained: float
    contained: float
    equivalent: float


def detectable(learners, gain, difference=0.0, margin=1.5) -> Detectable:
    """Simulate a crossed-over test 2,000 times, and count how often it shows a gain or equivalent forms.

    The simulation is Rasch's model, with guesses that are right 1 time in 4. Learners' abilities have a
    standard deviation of 1, and their growth has a standard deviation of 0.5. Both forms have the same 15
    difficulties, from −0.8 to 0.8. Before the course half of the answers are right. Half of the learners have
    form A first.

    learners : an even number from 10 to 400
    gain : by how many questions the mean score rises
    difference : how many more questions a learner with the same knowledge answers right in B than in A
    margin : the margin within which the forms are equivalent, in questions
    """
    import numpy
    from scipy.optimize import brentq
    from scipy.special import expit
    from scipy.stats import ttest_ind

    if not isinstance(learners, int) or not 10 <= learners <= 400 or learners % 2:
        raise CourseError(f"Each form comes first for half: give an even number, 10 to 400, not {learners}.")
    questions, runs = 15, 2_000
    if not 0 <= gain <= questions / 4 or not abs(difference) <= questions / 4:
        raise CourseError(
            f"Gain and difference are in questions: give at most {questions / 4:g} of {questions}."
        )
    difficulty = numpy.linspace(-0.8, 0.8, questions)
    # `expected` returns the mean score of learners whose abilities are normally distributed. It approximates
    # the distribution by the 81 abilities `places` with the weights `weights`.
    places = numpy.linspace(-4, 4, 81)
    weights = numpy.exp(-(places**2) / 2) / numpy.exp(-(places**2) / 2).sum()

    def expected(level, spread):
        known = level + spread * places[:, None] - difficulty
        return float(weights @ (0.25 + 0.75 * expit(known)).sum(1))

    grown = (1 + 0.5**2) ** 0.5
    before = brentq(lambda level: expected(level, 1) - questions / 2, -9, 9)
    after = brentq(lambda level: expected(level, grown) - questions / 2 - gain, -9, 9)

    def of_form_b(easier):
        return expected(before + easier, 1) + expected(after + easier, grown) - questions - gain

    easier = brentq(lambda shift: of_form_b(shift) - 2 * difference, -9, 9)
    rng = numpy.random.default_rng(0)
    ability = rng.normal(0, 1, (runs, learners))
    second_is_b = numpy.arange(learners) < learners // 2
    scores = []
    for known, is_b in (
        (before + ability, ~second_is_b),
        (after + ability + rng.normal(0, 0.5, ability.shape), second_is_b),
    ):
        logits = (known + easier * is_b)[..., None] - difficulty
        scores.append((rng.random(logits.shape) < 0.25 + 0.75 * expit(logits)).sum(-1))
    halves = (scores[1] - scores[0]) / 2
    one, other = halves[:, second_is_b], halves[:, ~second_is_b]
    with warnings.catch_warnings():  # scipy warns if all scores in one run change by the same number
        warnings.simplefilter("ignore", RuntimeWarning)
        gains = ttest_ind(one, -other, axis=1, equal_var=False).confidence_interval(0.95)
        forms = ttest_ind(one, other, axis=1, equal_var=False).confidence_interval(0.90)

    def percent(outcome):
        return float(100 * outcome.mean())

    return Detectable(
        gained=percent(gains.low > 0),
        contained=percent((gains.low <= gain) & (gain <= gains.high)),
        equivalent=percent((forms.low > -margin) & (forms.high < margin)),
    )


# Correction for several tests


def holm(p_values):
    """Return the p values of several tests, increased so that one limit holds for all tests together.

    Suppose that 20 independent tests have no effect to find. Then it is more likely than not that at least
    one of them has p below 0.05. After this correction that happens in at most 5 of 100 such series.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    values = _numbers(p_values, "p_values")
    if (values < 0).any() or (values > 1).any():
        raise CourseError("A p value is a probability: give numbers from 0 to 1.")
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(values.argsort(kind="stable")):
        largest = max(largest, min(1.0, (len(values) - rank) * float(values[index])))
        adjusted[index] = largest
    return adjusted


# Formulas of the methods


def _wilson(hits, count, z):
    """Return the ends of Wilson's interval as shares from 0 to 1. Hits and count may be fractions."""
    middle = (hits + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * (max(0.0, hits * (count - hits) / count) + z * z / 4) ** 0.5
    low = 0.0 if hits <= 0 else max(0.0, middle - half)
    high = 1.0 if hits >= count else min(1.0, middle + half)
    return low, high


def _tango(gained, lost, count, z):
    """Return the ends of Tango's interval for a difference of two rates, as shares from -1 to 1.

    The interval contains each difference that is at most z standard errors from the observed difference.
    """

    def errors_away(difference):
        a = 2 * count
        b = -gained - lost + (2 * count - gained + lost) * difference
        c = -lost * difference * (1 - difference)
        # The most likely share of lost cases, if `difference` is the true difference.
        share = (max(0.0, b * b - 4 * a * c) ** 0.5 - b) / (2 * a)
        variance = count * (2 * share + difference * (1 - difference))
        away = gained - lost - count * difference
        return away / variance**0.5 if variance > 1e-12 else math.copysign(math.inf, away) if away else 0.0

    def end(low, high, limit):
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if errors_away(middle) > limit else (low, middle)
        return (low + high) / 2

    seen = (gained - lost) / count
    return end(-1.0, seen, z), end(seen, 1.0, -z)


def _design_effect(variance, residuals, cases):
    """Return how many cases in clusters carry as much information as one independent case.

    The result is at least 1.

    variance : the variance of a single case, computed as if all cases were independent
    residuals : for each cluster, the sum of its cases, minus the mean of all cases times the number of cases
        in the cluster
    cases : the number of all cases
    """
    clusters = len(residuals)
    independent = variance / cases
    clustered = clusters / (clusters - 1) * (residuals**2).sum() / cases**2
    return max(1.0, clustered / independent) if independent > 0 else cases / clusters


def _jackknife_error(without, whole):
    """Return the standard error of a result, by the jackknife.

    without : for each cluster, the result computed from all other clusters
    whole : the result computed from all clusters
    """
    clusters = len(without)
    return ((clusters - 1) / clusters * ((without - whole) ** 2).sum(0)) ** 0.5


def _ends_of_tau(tau, untied, z):
    """Return the smallest and the largest true tau within z standard errors of the observed tau.

    untied : the number of pairs of things with different scores, in the list that has more such pairs
    """
    things = (1 + (1 + 8 * untied) ** 0.5) / 2  # the number of things that form `untied` pairs
    width = z * z * 2 * (2 * things + 5) / (9 * things * (things - 1))
    # The condition is (tau − true)² ≤ width · (1 − true²), which is quadratic in the true tau.
    middle, half = tau / (1 + width), (width * (1 + width - tau * tau)) ** 0.5 / (1 + width)
    return max(-1.0, middle - half), min(1.0, middle + half)


def _chance_of_order(signs, others, seen):
    """Return the share of random orders in which the lists' agreement is at least as far from 0 as `seen`."""
    import numpy

    things = len(signs)
    if things <= _ALL_ORDERS:
        orders, known = _all_orders(things), 0
    else:
        rng = numpy.random.default_rng(0)
        orders, known = rng.permuted(numpy.tile(numpy.arange(things), (_SHUFFLES, 1)), axis=1), 1
    hits = known
    for some in numpy.array_split(orders, max(1, len(orders) // 4_000)):
        shuffled = others[some[:, :, None], some[:, None, :]]
        agreement = (signs * shuffled).sum((1, 2)) / 2
        hits += int((abs(agreement) >= abs(seen) - 1e-9).sum())
    return hits / (len(orders) + known)


@functools.cache
def _all_orders(things):
    from itertools import permutations

    import numpy

    return numpy.array(list(permutations(range(things))))


def _fit(won):
    """Return the ratings that make the votes most likely, by Newton's method: an array (tables, models).

    won : array (tables, models, models). Each table is a set of votes, and its ratings are fitted without the
        other tables. The element [table, winner, loser] is a number of wins.
    """
    import numpy

    met = won + won.swapaxes(-1, -2)
    strengths = numpy.zeros(won.shape[:-1])
    diagonal = numpy.arange(won.shape[-1])
    for _ in range(100):
        expected = 1 / (1 + numpy.exp(strengths[..., None, :] - strengths[..., :, None]))
        against_average = 1 / (1 + numpy.exp(-strengths))  # probability of beating a model of 1,000 points
        slope = (won - met * expected).sum(-1) + _DRAWS * (0.5 - against_average)
        curve = met * expected * (1 - expected)
        bends = -curve
        bends[..., diagonal, diagonal] += curve.sum(-1) + _DRAWS * against_average * (1 - against_average)
        step = numpy.linalg.solve(bends, slope[..., None])[..., 0].clip(-1, 1)
        strengths += step
        if abs(step).max() < 1e-10:
            break
    return 1_000 + _ELO * (strengths - strengths.mean(-1, keepdims=True))


# Reading and checking arguments


def _counts(hits, count):
    """Return hits and count as ints, or raise CourseError.

    Both must be whole numbers, hits from 0 to count, and count at least 1.
    """
    try:
        whole, total = int(hits), int(count)
        exact = whole == hits and total == count
    except (TypeError, ValueError, OverflowError, RuntimeError):
        exact = False
    if not exact or not 0 <= whole <= total or total < 1:
        raise CourseError(
            "A rate needs whole numbers: hits from 0 to count, and a count of at least 1, "
            f"not {hits} of {count}."
        )
    return whole, total


def _numbers(values, name, dimensions=1):
    """Return a list, array or tensor of numbers as a numpy array of floats."""
    import numpy

    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu().double().numpy()
        elif isinstance(values, Iterable) and not hasattr(values, "dtype"):
            values = list(values)
        array = numpy.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise CourseError(f"{name} must be numbers, and {values!r} is not a list of numbers.") from error
    if array.ndim != dimensions:
        shape = "a plain list of numbers" if dimensions == 1 else "a table of numbers: rows of equal length"
        raise CourseError(f"{name} must be {shape}.")
    if not array.size or not numpy.isfinite(array).all():
        raise CourseError(f"{name} must have at least one number, and no missing or infinite ones.")
    return array


def _right_or_wrong(ones, others):
    """Return two lists of right and wrong answers as numpy arrays of True and False."""
    arrays = []
    for values, name in ((ones, "ones"), (others, "others")):
        numbers = _numbers(values, name)
        different = set(numbers.tolist())
        if not (different <= {0.0, 1.0} or different <= {0.0, 100.0}):
            raise CourseError(
                f"{name} must say for each case whether it is right: 1 or 0, True or False, 100 or 0."
            )
        arrays.append(numbers > 0)
    _same_length(*arrays, "ones", "others")
    return arrays


def _indices(labels, length, name):
    """Return an array with a number in place of each label; labels are numbered in order of first use."""
    import numpy

    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    labels = list(labels)
    if len(labels) != length:
        raise CourseError(f"{name} must have {length} labels, one for each case, and has {len(labels)}.")
    index = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return numpy.array([index[label] for label in labels])


def _by_cluster(values, clusters):
    """Return for each cluster the sum of its values and the number of its values."""
    import numpy

    groups = _indices(clusters, len(values), "clusters")
    _at_least_two_clusters(groups.max() + 1)
    return numpy.bincount(groups, weights=values), numpy.bincount(groups)


def _at_least_two_clusters(number):
    if number < 2:
        raise CourseError("One cluster says nothing about how far clusters differ: give at least two.")


def _same_length(first, second, name, other_name):
    if len(first) != len(second):
        raise CourseError(
            f"{name} and {other_name} must be equally long, and have {len(first)} and {len(second)} values."
        )


def _around(middle, half):
    return float(middle - half), float(middle + half)


def _percent(ends):
    low, high = ends
    return float(100 * low), float(100 * high)


def _tail(level):
    """Return the probability below the upper end of an interval: 0.975 for a 95% interval."""
    if not 50 <= level < 100:
        raise CourseError("The level is in percent, from 50 to below 100: 95 gives a 95% interval.")
    return 0.5 + level / 200


def _normal(level):
    from scipy.special import ndtri

    return float(ndtri(_tail(level)))


def _student(level, freedom):
    from scipy.special import stdtrit

    return float(stdtrit(freedom, _tail(level)))
