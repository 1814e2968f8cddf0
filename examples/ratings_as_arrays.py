"""The MovieLens ratings as arrays: who rates most, what is rated most.

python examples/ratings_as_arrays.py [ml-latest-small.zip]
"""

from __future__ import annotations

import sys

import numpy as np

import embedsheet as es

if __name__ == "__main__":
    data = es.read_ratings(sys.argv[1] if len(sys.argv) > 1 else None)
    print(f"{len(data):,} ratings, mean {data.ratings.mean():.3f}")
    users, counts = np.unique(data.user_ids, return_counts=True)
    print(f"{len(users):,} users; user {users[counts.argmax()]} gave {counts.max():,} ratings")
    movies, counts = np.unique(data.movie_ids, return_counts=True)
    print(f"{len(movies):,} movies; {data.movie(int(movies[counts.argmax()])).label} got {counts.max():,} ratings")
