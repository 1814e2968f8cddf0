"""The same models at full size: all ratings, a whole text; networks in Keras and how they are trained."""
