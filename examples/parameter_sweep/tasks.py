"""A sweep over the settings of a small model, in plain Python: ridge regression on polynomials."""

import math
import random
from typing import Any

from jobs import task

POINTS, FOLDS = 60, 5


@task("parameter_sweep.score", timeout=120, cache_for=3600, version="1")
def score(ctx: Any, item: dict[str, Any], *, seed: int = 7, noise: float = 0.2) -> dict[str, Any]:
    """The error of one setting, `degree` and `ridge`, by cross-validation on a noisy sine."""
    chance = random.Random(seed)
    xs = [chance.uniform(-1, 1) for _ in range(POINTS)]
    points = [(x, math.sin(3 * x) + chance.gauss(0, noise)) for x in xs]
    errors = []
    for fold in range(FOLDS):
        held, rest = points[fold::FOLDS], [p for i, p in enumerate(points) if i % FOLDS != fold]
        weights = fit(rest, degree=item["degree"], ridge=item["ridge"])
        errors += [(predict(weights, x) - y) ** 2 for x, y in held]
        ctx.progress((fold + 1) / FOLDS)
    return {**item, "error": round(sum(errors) / len(errors), 6)}


@task("parameter_sweep.best")
def best(ctx: Any, results: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
    """The setting with the least error."""
    return min(results, key=lambda row: (row["error"], row["degree"], row["ridge"]))


def fit(points: list[tuple[float, float]], *, degree: int, ridge: float) -> list[float]:
    """Weights of the polynomial: the solution of (XᵀX + ridge·I)·w = Xᵀy."""
    rows = [[x**power for power in range(degree + 1)] for x, _ in points]
    size = degree + 1
    matrix = [
        [sum(r[i] * r[j] for r in rows) + ridge * (i == j) for j in range(size)]
        for i in range(size)
    ]
    right = [sum(row[i] * y for row, (_, y) in zip(rows, points, strict=True)) for i in range(size)]
    return solve(matrix, right)


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss's elimination with the largest pivot."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda r: abs(rows[r][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for below in range(column + 1, size):
            factor = rows[below][column] / rows[column][column]
            rows[below] = [a - factor * b for a, b in zip(rows[below], rows[column], strict=True)]
    weights = [0.0] * size
    for row in reversed(range(size)):
        known = sum(rows[row][j] * weights[j] for j in range(row + 1, size))
        weights[row] = (rows[row][size] - known) / rows[row][row]
    return weights


def predict(weights: list[float], x: float) -> float:
    """The value of the polynomial."""
    return sum(weight * x**power for power, weight in enumerate(weights))
