"""The data that lessons are made of: MovieLens ratings, the words of Green Eggs and Ham, and the reader's own files."""

from embedsheet.ground.data.grouplens import read_ratings
from embedsheet.ground.data.ratings import Movie, MovieLens, movielens
from embedsheet.ground.data.words import GREEN_EGGS_WORDS, green_eggs_verse, read_text, split_words

__all__ = [
    "GREEN_EGGS_WORDS",
    "Movie",
    "MovieLens",
    "green_eggs_verse",
    "movielens",
    "read_ratings",
    "read_text",
    "split_words",
]
