"""Parts of nets for those who build one of their own, as the examples do: `embedsheet.parts`.

Ratings and texts as arrays, batches of several sources, and the lecture's nets in Keras, NumPy and PyTensor. Each
part's docstring has shapes and errors; each is imported when it is first asked for, and with it what it needs.
"""

from typing import TYPE_CHECKING

from embedsheet.ground.offers import offer

if TYPE_CHECKING:
    from embedsheet.mirrors.full_size.engine import load_keras as load_keras
    from embedsheet.mirrors.full_size.mixed_batches import Batches as Batches
    from embedsheet.mirrors.full_size.mixed_batches import MixIterator as MixIterator
    from embedsheet.mirrors.full_size.movielens import BUILDERS as BUILDERS
    from embedsheet.mirrors.full_size.movielens import Options as Options
    from embedsheet.mirrors.full_size.movielens_training import clipped_rmse as clipped_rmse
    from embedsheet.mirrors.full_size.pseudo_labels import Trial as Trial
    from embedsheet.mirrors.full_size.pseudo_labels import digits as digits
    from embedsheet.mirrors.full_size.pseudo_labels import digits_trial as digits_trial
    from embedsheet.mirrors.full_size.pseudo_labels import movielens_trial as movielens_trial
    from embedsheet.mirrors.full_size.ratings import Ratings as Ratings
    from embedsheet.mirrors.full_size.text_data import Vocabulary as Vocabulary
    from embedsheet.mirrors.full_size.text_data import default_text as default_text
    from embedsheet.mirrors.full_size.text_data import next_characters as next_characters
    from embedsheet.mirrors.full_size.text_data import read_book as read_book
    from embedsheet.mirrors.recurrent.numpy_net import Weights as Weights
    from embedsheet.mirrors.recurrent.numpy_net import mean_loss_and_gradient as mean_loss_and_gradient
    from embedsheet.mirrors.recurrent.numpy_net import start_weights as start_weights
    from embedsheet.mirrors.recurrent.pytensor_net import RecurrentNet as RecurrentNet
    from embedsheet.mirrors.recurrent.pytensor_net import train_online as train_online

offer(
    __name__,
    {
        "mirrors.full_size.engine": ["load_keras"],
        "mirrors.full_size.mixed_batches": ["Batches", "MixIterator"],
        "mirrors.full_size.movielens": ["BUILDERS", "Options"],
        "mirrors.full_size.movielens_training": ["clipped_rmse"],
        "mirrors.full_size.pseudo_labels": ["Trial", "digits", "digits_trial", "movielens_trial"],
        "mirrors.full_size.ratings": ["Ratings"],
        "mirrors.full_size.text_data": ["Vocabulary", "default_text", "next_characters", "read_book"],
        "mirrors.recurrent.numpy_net": ["Weights", "mean_loss_and_gradient", "start_weights"],
        "mirrors.recurrent.pytensor_net": ["RecurrentNet", "train_online"],
    },
)
