"""How fast neighbours are found.

    python benchmarks/neighbours.py [--most 100000]

Vectors like those of tags: 384 numbers in clumps, cosine >= 0.85. Each measurement runs in a process of its own,
so that its peak memory is its own; "cpu" is its processor time, which other programs disturb least. "floor" is
the arithmetic alone: every product of two blocks, in float32, nothing kept. "likely" is the approximate way, which
the command takes beyond 250,000 tags. "dense" is the older way: the whole
matrix of distances in float64 and DBSCAN over it, up to 15,000.
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np

WIDTH, THRESHOLD, BLOCK = 384, 0.85, 1024


def tags_like(n: int) -> np.ndarray:
    """Unit rows in clumps with the spectrum of MiniLM over real tags: 128 axes hold 85 % of the square lengths."""
    draw = np.random.default_rng(n)
    scale = (1.0 / (1 + np.arange(WIDTH) / 64)).astype(np.float32)
    centres = draw.standard_normal((n // 3, WIDTH), np.float32) * scale
    rows = centres[draw.integers(0, len(centres), n)]
    rows += 0.4 * draw.standard_normal((n, WIDTH), np.float32) * scale
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def floor(vectors: np.ndarray) -> int:
    total = 0
    for i in range(0, len(vectors), BLOCK):
        rows = vectors[i : i + BLOCK].copy()
        for j in range(i, len(vectors), BLOCK):
            total += len(rows @ vectors[j : j + BLOCK].T)
    return total


def bound(vectors: np.ndarray) -> int:
    from tagroll.tags.neighbours import neighbours

    return neighbours(vectors, THRESHOLD).nnz // 2


def likely(vectors: np.ndarray) -> int:
    from tagroll.tags.neighbours import neighbours

    return neighbours(vectors, THRESHOLD, exact_up_to=0).nnz // 2


def dense(vectors: np.ndarray) -> int:
    from sklearn.cluster import DBSCAN

    rows = vectors.astype(np.float64)
    distances = np.clip(1 - rows @ rows.copy().T, 0, None)
    DBSCAN(eps=1 - THRESHOLD, min_samples=2, metric="precomputed").fit(distances)
    return int((distances <= 1 - THRESHOLD).sum() - len(vectors)) // 2


def measure(name: str, n: int, answers: multiprocessing.Queue) -> None:
    vectors = tags_like(n)
    start, cpu = time.perf_counter(), time.process_time()
    pairs = {"floor": floor, "tagroll": bound, "likely": likely, "dense": dense}[name](vectors)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    answers.put((seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, pairs))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--dense-most", type=int, default=15_000)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{'tags':>7} {'way':8} {'seconds':>8} {'cpu':>7} {'peak GB':>8} {'pairs':>8}")
    for n in (5_000, 15_000, 50_000, 100_000):
        for name in ("floor", "tagroll", "likely", "dense"):
            if n > (args.dense_most if name == "dense" else args.most):
                continue
            answers = context.Queue()
            child = context.Process(target=measure, args=(name, n, answers))
            child.start()
            seconds, cpu, peak, pairs = answers.get()
            child.join()
            print(
                f"{n:7} {name:8} {seconds:8.1f} {cpu:7.1f} {peak:8.2f} {'' if name == 'floor' else pairs:>8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
