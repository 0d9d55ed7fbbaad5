"""How sure a number is: one place for all intervals and tests of the course.

Whatever is called an interval here is a 95% interval: if the whole measurement were repeated many times,
about 95 of 100 such intervals would hold the true value. That was not taken from a book:
tests/test_statistics.py simulates it, on samples as small as those of the lessons, and the docstrings say
what it found.

Rates, and the ends of their intervals, are in percent. Lists, numpy arrays and torch tensors are accepted.
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import CourseError

_ALL_ORDERS = 8  # up to so many things, kendall() tries all orders: 40,320 of them
_SHUFFLES = 20_000  # beyond that, so many random ones
_ELO = 400 / math.log(10)  # points of Elo's scale for a change of one in the logarithm of the odds
_DRAWS = 0.1  # of a draw, given to every model against one of 1,000 points


def wilson(hits, count, level=95):
    """The interval of a rate, by Wilson's score method: (low, high) in percent.

    It never has width zero: 80 hits of 80 give 95.4 to 100. For the sizes of the lessons (5 to 134), true
    rates from 5% to 95% are held by 95 to 96 of 100 such intervals on average. At single rates it is fewer
    or more, as hits are whole numbers: 89 at worst for a count of 5 or 8, 92 at worst from 16 on.

    Parameters
    ----------
    hits, count: int, how many of how many.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if `hits` is not a whole number from 0 to `count`, or `count` is 0.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    hits, count = _counts(hits, count)
    return _percent(_wilson(hits, count, _normal(level)))


def rate_of_clusters(hits, counts, level=95):
    """The interval of a rate whose cases come in clusters, as words in sentences: (low, high) in percent.

    Cases of one cluster are right or wrong together, so they tell less than as many single ones. How much
    less is measured (the *design effect*), and Wilson's method is given as few cases. If all are right, or
    none is, nothing can be measured, and each whole cluster counts as one case. The quantile is that of
    Student's t with twice the usual degrees of freedom: simulation chose it. For five sentences of 8 to 22
    words it held the true rate 96 times of 100 on average (90 at worst, where a fifth of the words'
    variance is the sentences'), for 16 facts asked twice 97, for 48 pictures of 32 bits 94.

    Parameters
    ----------
    hits, counts: numbers of the same length, for each cluster how many of how many.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if there are fewer than two clusters, or one has more hits than cases.
    """
    hits, counts = _numbers(hits, "hits"), _numbers(counts, "counts")
    _same_length(hits, counts, "hits", "counts")
    _clusters_suffice(len(hits))
    if (hits < 0).any() or (hits > counts).any() or (counts < 1).any():
        raise CourseError(
            "In each cluster, hits must be from 0 to its count, and the count at least 1. "
            "An error rate that can pass 100% needs course.statistics.ratio()."
        )
    number, total, rate = len(hits), counts.sum(), hits.sum() / counts.sum()
    alone = rate * (1 - rate) / total  # the variance if all cases were single ones
    together = number / (number - 1) * ((hits - rate * counts) ** 2).sum() / total**2
    effect = max(1.0, together / alone) if alone > 0 else total / number
    cases = total / effect
    return _percent(_wilson(float(rate * cases), float(cases), _student(level, 2 * (number - 1))))


def difference_of_rates(hits, count, other_hits, other_count, level=95):
    """The interval of a difference of two rates measured on different cases: (low, high) in points.

    By Newcombe's hybrid of two score intervals. For 36 against 8, 42 against 42 and 164 against 164 cases it
    held the true difference 95 times of 100 on average, 93 at worst, if both rates lie within 10% and 90%.
    If both were measured on the same cases, take `paired_difference`.

    Parameters
    ----------
    hits, count: int, how many of how many.
    other_hits, other_count: int, the same of the rate that is subtracted.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if hits are not whole numbers from 0 to their count.

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
    """The interval of a difference of two rates measured on the same cases: (low, high) in points.

    Only the cases count on which the two differ. By Tango's score method, which never has width zero: if two
    models agree on all of 42 items, it says −8.4 to 8.4. For 16 to 80 cases it held the true difference 95 to
    96 times of 100 on average, 93 at worst. With clusters their design effect is taken in as in
    `rate_of_clusters`, and 16 facts asked twice give 96 to 97 of 100.

    Parameters
    ----------
    ones, others: what is right (1, True or 100) and wrong (0 or False), in the same order of cases.
    clusters: labels or None, which cluster each case belongs to, such as the fact that a question asks for.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if the lists differ in length, or hold anything but right and wrong.

    Source: Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design".
    """
    first, second = _right_or_wrong(ones, "ones"), _right_or_wrong(others, "others")
    _same_length(first, second, "ones", "others")
    count = len(first)
    gained = float((first & ~second).sum())
    lost = float((~first & second).sum())
    if clusters is None:
        return _percent(_tango(gained, lost, count, _normal(level)))
    change = first.astype(float) - second.astype(float)
    sums, sizes = _by_cluster(change, clusters)
    number, mean = len(sums), change.mean()
    alone = change.var() / count
    together = number / (number - 1) * ((sums - mean * sizes) ** 2).sum() / count**2
    effect = max(1.0, together / alone) if alone > 0 else count / number
    return _percent(_tango(gained / effect, lost / effect, count / effect, _normal(level)))


def paired_p(ones, others):
    """The exact p value for "neither is better" of two lists of right and wrong on the same cases (McNemar).

    Of the cases on which the two differ, each would go to either side with probability one half.

    Parameters
    ----------
    ones, others: what is right (1, True or 100) and wrong (0 or False), in the same order of cases.

    Raises
    ------
    CourseError: if the lists differ in length, or hold anything but right and wrong.
    """
    from scipy.stats import binomtest

    first, second = _right_or_wrong(ones, "ones"), _right_or_wrong(others, "others")
    _same_length(first, second, "ones", "others")
    gained, lost = int((first & ~second).sum()), int((~first & second).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def mean(values, level=95):
    """The interval of a mean of independent numbers, by Student's t: (low, high) in their own unit.

    For rates take `wilson`. For normal numbers it holds the true mean 95 times of 100 at any size; for
    exponential ones, which are far from symmetric, 89 times for 5 and for 8, 91 for 16 and 94 for 36.

    Parameters
    ----------
    values: numbers, at least two.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if there are fewer than two numbers.
    """
    values = _numbers(values, "values")
    if len(values) < 2:
        raise CourseError("One number says nothing about how far numbers differ: give at least two values.")
    half = _student(level, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - half), float(values.mean() + half)


def mean_of_clusters(values, clusters, level=95):
    """The interval of a mean whose numbers come in clusters: (low, high) in their own unit.

    Clusters are the unit: numbers of one cluster are alike, so more of them add little. For clusters of equal
    size it is Student's t over the clusters' means, else that of `ratio`.

    Parameters
    ----------
    values: numbers.
    clusters: labels of the same length, such as the fact that a question asks for.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if there are fewer than two clusters.
    """
    sums, sizes = _by_cluster(_numbers(values, "values"), clusters)
    return _jackknife(sums, sizes, level)


def ratio(numerators, denominators, level=95):
    """The interval of a sum divided by a sum, such as all errors by all words: (low, high) in percent.

    Each place is a cluster (a sentence with its errors and its words), and clusters are the unit. The
    interval comes from leaving out one cluster after the other (the *jackknife*), with Student's t. If few
    clusters have any error at all, it is too narrow: for five sentences and a true rate of 3% it held it
    only 59 to 87 times of 100. There take `rate_of_clusters`. From a rate of 20% on it is 89 to 95, for a
    difference of two voices' rates 94, and for 36 trades 94.

    Parameters
    ----------
    numerators, denominators: numbers of the same length, at least two of each.
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if there are fewer than two clusters, or a sum of denominators is 0.
    """
    numerators = _numbers(numerators, "numerators")
    denominators = _numbers(denominators, "denominators")
    _same_length(numerators, denominators, "numerators", "denominators")
    return _percent(_jackknife(numerators, denominators, level))


def beside_controls(values, controls, level=95):
    """The interval of how far one word lies above control words in the same sentences: (low, high).

    Both are drawn from more that there could be: the sentences, and the control words. The variances of
    both are added, with Welch's and Satterthwaite's degrees of freedom. For 8 sentences and 8 control words
    it held the true difference 95 to 96 times of 100.

    Parameters
    ----------
    values: numbers, one for each sentence.
    controls: table of numbers (sentences, control words).
    level: number, 95 for a 95% interval.

    Raises
    ------
    CourseError: if there are fewer than two sentences or control words.
    """
    values, controls = _numbers(values, "values"), _numbers(controls, "controls", dimensions=2)
    _same_length(values, controls, "values", "controls")
    if min(controls.shape) < 2:
        raise CourseError("An interval needs at least two sentences and two control words.")
    differences, words = values - controls.mean(1), controls.mean(0)
    parts = [each.var(ddof=1) / len(each) for each in (differences, words)]
    whole = sum(parts)
    middle = float(differences.mean())
    if whole == 0:
        return middle, middle
    freedom = whole**2 / sum(
        part**2 / (len(each) - 1) for part, each in zip(parts, (differences, words), strict=True)
    )
    half = float(_student(level, freedom) * whole**0.5)
    return middle - half, middle + half


@dataclass(frozen=True)
class Kendall:
    """How far two orders of the same things agree.

    tau: float, tau-b: 1 if all pairs stand alike, −1 if all are turned round.
    low, high: its interval, the things being drawn from more of their kind.
    pairs: int, how many pairs there are.
    concordant, discordant: int, how many stand alike and how many are turned round: tau rests on these alone.
    ties: int, how many are equal in one order or in both.
    p: float, how often chance alone gives a tau at least as far from 0.
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
    """Kendall's tau-b of two lists of scores of the same things, with its interval and an exact p.

    The interval takes the variance that tau has if there is no agreement, and lets it shrink toward ±1 as a
    rate's does (1 − tau²). Ties make it wider. For six models it held the true tau 96 to 97 times of 100, and
    98 where most scores are tied at the top. p is exact up to eight things (all orders are
    tried), beyond that it comes from 20,000 random orders.

    Parameters
    ----------
    one, other: numbers of the same length, at least three: the score of each thing in each order.
    level: number, 95 for a 95% interval.

    Returns
    -------
    Kendall

    Raises
    ------
    CourseError: if the lists differ in length, are shorter than three, or all scores of one are equal.
    """
    import numpy

    first, second = _numbers(one, "one"), _numbers(other, "other")
    _same_length(first, second, "one", "other")
    things = len(first)
    if things < 3:
        raise CourseError("Two orders can only be compared if there are at least three things in them.")
    signs, other_signs = (numpy.sign(numpy.subtract.outer(each, each)) for each in (first, second))
    untied = int((signs != 0).sum()) // 2
    other_untied = int((other_signs != 0).sum()) // 2
    if not untied or not other_untied:
        raise CourseError("All scores of one list are equal: they put nothing in an order.")
    products = numpy.triu(signs * other_signs)
    concordant, discordant = int((products > 0).sum()), int((products < 0).sum())
    pairs = things * (things - 1) // 2
    tau = (concordant - discordant) / (untied * other_untied) ** 0.5
    low, high = _ends_of_tau(tau, max(untied, other_untied), _normal(level))
    p = _chance_of_order(signs, other_signs, concordant - discordant)
    ties = pairs - concordant - discordant
    return Kendall(tau, low, high, pairs, concordant, discordant, ties, p)


def bradley_terry(votes, clusters=None, level=95):
    """Ratings on Elo's scale that fit all votes at once: {model: (rating, (low, high))}.

    The model of Bradley and Terry is the one behind Elo: who is 400 points ahead wins ten times for each
    loss. Elo's own rule moves along the votes and depends on their order and on how many there are; these
    ratings are where it would arrive. Their mean is 1,000. Each model is also given a tenth of a draw
    against one of 1,000, so that one that never lost has a rating, too.

    The interval leaves out one cluster after the other (the *jackknife*), with Student's t: votes on
    answers to one question stand or fall together. With four models and about 120 votes on 33 questions it
    held the true rating 95 to 97 times of 100.

    Parameters
    ----------
    votes: list of (left model, right model, result): 1 for the left, 0 for the right one, 0.5 for neither.
    clusters: labels or None, for each vote what it was about; by default each vote is one of its own.
    level: number, 95 for a 95% interval.

    Returns
    -------
    dict from each model, in alphabetical order, to (rating, (low, high)); None stands for an interval if all
    votes are one cluster.

    Raises
    ------
    CourseError: if there is no vote, or a result is anything but 1, 0.5 or 0.

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
    place = {model: at for at, model in enumerate(models)}
    _, groups = _labels(range(len(votes)) if clusters is None else clusters, len(votes), "clusters")
    number = groups.max() + 1
    won = numpy.zeros((number, len(models), len(models)))  # in each cluster, by whom, against whom
    for (left, right, result), group in zip(votes, groups, strict=True):
        won[group, place[left], place[right]] += float(result)
        won[group, place[right], place[left]] += 1 - float(result)
    together = won.sum(0)
    ratings = _fit(together[None])[0]
    if number < 2:
        return {model: (float(ratings[at]), None) for model, at in place.items()}
    without = _fit(together - won)  # (clusters, models)
    spread = ((number - 1) / number * ((without - ratings) ** 2).sum(0)) ** 0.5
    half = _student(level, number - 1) * spread
    return {
        model: (float(ratings[at]), (float(ratings[at] - half[at]), float(ratings[at] + half[at])))
        for model, at in place.items()
    }


@dataclass(frozen=True)
class Information:
    """What two things say about each other, in bits.

    plugged_in: float, computed from the counts as if they were the true shares. It is too large.
    corrected: float, the same less its bias by the formula of Miller and Madow.
    chance: float, what the counts give if one of the two is shuffled, so that neither says anything.
    """

    plugged_in: float
    corrected: float
    chance: float


def mutual_information(one, other, shuffles=20):
    """The mutual information of two lists of labels, in bits, and how much of it is the bias of counting.

    Rare labels meet by accident, so the bits computed from counts are too many: shuffled lists, which say
    nothing about each other, get some, too. The correction subtracts (cells filled − rows − columns + 1) /
    (2 × cases), in nats. With some five cases or more for each cell it takes three quarters of the bias or
    more.

    Parameters
    ----------
    one, other: labels of the same length: numbers or words.
    shuffles: int, how many shuffles `chance` is the mean of.

    Returns
    -------
    Information

    Raises
    ------
    CourseError: if the lists differ in length or are empty.

    Source: Miller (1955), "Note on the bias of information estimates".
    """
    import numpy

    _, first = _labels(one, None, "one")
    _, second = _labels(other, len(first), "other")
    plugged_in, filled = _bits(first, second)
    rows, columns = first.max() + 1, second.max() + 1
    bias = (filled - rows - columns + 1) / (2 * len(first) * math.log(2))
    rng = numpy.random.default_rng(0)
    chance = [_bits(first, rng.permutation(second))[0] for _ in range(shuffles)]
    return Information(plugged_in, float(plugged_in - bias), float(numpy.mean(chance)))


def holm(p_values):
    """The p values of several tests, made larger so that one limit holds for all of them together.

    If all of 20 tests have nothing to find, one of them has p below 0.05 more often than not. After this, any
    does in at most 5 of 100 such series.

    Parameters
    ----------
    p_values: numbers from 0 to 1.

    Returns
    -------
    list of float, in the same order.

    Raises
    ------
    CourseError: if one is not from 0 to 1.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    values = _numbers(p_values, "p_values")
    if (values < 0).any() or (values > 1).any():
        raise CourseError("A p value is a probability: give numbers from 0 to 1.")
    adjusted, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(values.argsort(kind="stable")):
        least = max(least, min(1.0, (len(values) - rank) * float(values[place])))
        adjusted[place] = least
    return adjusted


def _wilson(hits, count, z):
    """Wilson's interval as shares; hits and count may be fractions."""
    middle = (hits + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * (max(0.0, hits * (count - hits) / count) + z * z / 4) ** 0.5
    low = 0.0 if hits <= 0 else max(0.0, middle - half)
    high = 1.0 if hits >= count else min(1.0, middle + half)
    return low, high


def _tango(gained, lost, count, z):
    """Tango's interval as shares: the differences at which what was seen is within z standard errors."""

    def errors_away(difference):
        a = 2 * count
        b = -gained - lost + (2 * count - gained + lost) * difference
        c = -lost * difference * (1 - difference)
        share = (max(0.0, b * b - 4 * a * c) ** 0.5 - b) / (2 * a)  # lost cases, if the difference were true
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


def _jackknife(numerators, denominators, level):
    """The interval of a ratio of sums: each cluster is left out once, and Student's t over the clusters."""
    number = len(numerators)
    _clusters_suffice(number)
    above, below = numerators.sum(), denominators.sum()
    rest = below - denominators
    if below == 0 or (rest == 0).any():
        raise CourseError("The denominators add up to 0, so there is nothing to divide by.")
    without = (above - numerators) / rest
    middle = float(above / below)
    spread = (number - 1) / number * ((without - middle) ** 2).sum()
    half = float(_student(level, number - 1) * spread**0.5)
    return middle - half, middle + half


def _ends_of_tau(tau, untied, z):
    """Which true taus leave what was seen within z standard errors."""
    things = (1 + (1 + 8 * untied) ** 0.5) / 2  # as many as give so many pairs
    width = z * z * 2 * (2 * things + 5) / (9 * things * (things - 1))
    # (tau − true)² ≤ width · (1 − true²), a quadratic in the true tau
    middle, half = tau / (1 + width), (width * (1 + width - tau * tau)) ** 0.5 / (1 + width)
    return max(-1.0, middle - half), min(1.0, middle + half)


def _chance_of_order(signs, others, seen):
    """How often a random order of one of the two gives an agreement at least as far from 0."""
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
    """Ratings that make the votes likeliest, by Newton's method; won: (tables, models, models)."""
    import numpy

    met = won + won.swapaxes(-1, -2)
    strengths = numpy.zeros(won.shape[:-1])
    diagonal = numpy.arange(won.shape[-1])
    for _ in range(100):
        expected = 1 / (1 + numpy.exp(strengths[..., None, :] - strengths[..., :, None]))
        alone = 1 / (1 + numpy.exp(-strengths))  # against a model of 1,000
        slope = (won - met * expected).sum(-1) + _DRAWS * (0.5 - alone)
        curve = met * expected * (1 - expected)
        bends = -curve
        bends[..., diagonal, diagonal] += curve.sum(-1) + _DRAWS * alone * (1 - alone)
        step = numpy.linalg.solve(bends, slope[..., None])[..., 0].clip(-1, 1)
        strengths += step
        if abs(step).max() < 1e-10:
            break
    return 1_000 + _ELO * (strengths - strengths.mean(-1, keepdims=True))


def _bits(first, second):
    """Mutual information in bits from two lists of numbered labels, and how many cells are filled."""
    import numpy

    columns = second.max() + 1
    table = numpy.bincount(first * columns + second, minlength=(first.max() + 1) * columns)
    joint = table.reshape(-1, columns) / len(first)
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    filled = joint > 0
    return float((joint[filled] * numpy.log2(joint[filled] / apart[filled])).sum()), int(filled.sum())


def _counts(hits, count):
    """Two whole numbers that can be hits of a count."""
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
    """Numbers of any kind as a numpy array of floats."""
    import numpy

    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu().double().numpy()
        elif isinstance(values, Iterable) and not hasattr(values, "dtype"):
            values = list(values)
        found = numpy.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise CourseError(f"{name} must be numbers, and {values!r} is not a list of numbers.") from error
    if found.ndim != dimensions:
        kind = "a plain list of numbers" if dimensions == 1 else "a table of numbers: rows of equal length"
        raise CourseError(f"{name} must be {kind}.")
    if not found.size or not numpy.isfinite(found).all():
        raise CourseError(f"{name} must hold at least one number, and no missing or infinite ones.")
    return found


def _right_or_wrong(values, name):
    """A numpy array of True and False from 1 and 0, True and False, or 100 and 0."""
    numbers = _numbers(values, name)
    kinds = set(numbers.tolist())
    if not (kinds <= {0.0, 1.0} or kinds <= {0.0, 100.0}):
        raise CourseError(
            f"{name} must say for each case whether it is right: 1 or 0, True or False, 100 or 0."
        )
    return numbers > 0


def _labels(values, length, name):
    """The different labels, and each one's number."""
    import numpy

    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    values = list(values)
    if not values or (length is not None and len(values) != length):
        wanted = "at least one label" if length is None else f"{length} labels, one for each case"
        raise CourseError(f"{name} must hold {wanted}; it holds {len(values)}.")
    names = list(dict.fromkeys(values))
    places = {label: at for at, label in enumerate(names)}
    return names, numpy.array([places[label] for label in values])


def _by_cluster(values, clusters):
    """For each cluster the sum of its values, and how many there are."""
    import numpy

    names, groups = _labels(clusters, len(values), "clusters")
    _clusters_suffice(len(names))
    return numpy.bincount(groups, weights=values), numpy.bincount(groups).astype(float)


def _clusters_suffice(number):
    if number < 2:
        raise CourseError("One cluster says nothing about how far clusters differ: give at least two.")


def _same_length(first, second, name, other_name):
    if len(first) != len(second):
        raise CourseError(
            f"{name} and {other_name} must be equally long; they hold {len(first)} and {len(second)}."
        )


def _percent(ends):
    low, high = ends
    return float(100 * low), float(100 * high)


def _tail(level):
    if not 50 <= level < 100:
        raise CourseError("The level is in percent, from 50 to below 100: 95 gives a 95% interval.")
    return 0.5 + level / 200


def _normal(level):
    from statistics import NormalDist

    return NormalDist().inv_cdf(_tail(level))


def _student(level, freedom):
    from scipy.special import stdtrit

    return float(stdtrit(freedom, _tail(level)))
