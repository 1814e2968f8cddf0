"""What somebody asks in the first ten minutes, of each colour and block, is answered by the workbook alone."""

from __future__ import annotations

import openpyxl
import pytest

from embedsheet.lessons import find
from kit.trials import small

ANSWERED_HERE = ("movielens", "green-eggs", "optimisers", "pseudo-labels")
# Lesson, question, the sheet that answers it, and the answer as it stands in a cell or a note.
QUESTIONS = [
    ("movielens", "What is an orange background?", "Cross-tab", "orange background: the solver changes it"),
    ("movielens", "What is an orange number?", "Cross-tab", "orange number: calculated"),
    ("movielens", "What is a small red corner?", "Guide", "A small red corner is a note that explains the cell."),
    ("movielens", "Why are some ratings empty?", "Cross-tab", "an empty cell means that this user did not rate it"),
    ("movielens", "What are the numbers on top and at the left?", "Cross-tab",
     "movies’ factors on top, users’ at the left; dot product"),
    ("movielens", "What do red and blue say?", "Cross-tab", "blue = predicted too high, red = too low"),
    ("movielens", "What is the large number?", "Cross-tab", "take the mean over the rated pairs, take the root"),
    ("green-eggs", "What are a word’s plain numbers on Text?", "Text", "random here; type others over them"),
    ("green-eggs", "How does a word become numbers?", "Text",
     "INDEX takes the row of that id from the embedding matrix"),
    ("green-eggs", "What do red and blue say of two words?", "Similarity",
     "Red, 1: the same direction; white, 0: unrelated; blue, −1: opposite."),
    ("green-eggs", "And in the Guide?", "Guide", "Red: two words that point the same way, or a likely neighbour"),
    ("green-eggs", "What is a score?", "Skip-gram", "score = a word’s factors · a neighbour’s factors + bias"),
    ("green-eggs", "What does red say of a probability?", "Skip-gram", "the redder, the likelier"),
    ("green-eggs", "What are the rows at the right?", "Skip-gram", "Neighbours in the text: "),
    ("green-eggs", "Which loss has a model that knows nothing?", "Skip-gram", "is what a model that knows nothing"),
    ("green-eggs", "What is a grey line of the map?", "Trained", "A grey line leads from where a word was"),
    ("optimisers", "What are violet, blue and orange columns?", "Adam",
     "Violet: the gradient. Blue: what is kept from step to step. Orange: the weights after the step."),
    ("optimisers", "Which cell do I type over?", "Adam", "Type another learning rate over the orange cell"),
    ("optimisers", "What is a row?", "Adam", "A row a step."),
    ("optimisers", "What is epsilon for?", "Adam", "So that nothing is divided by 0."),
    ("optimisers", "What are the grey lines of the chart?", "Contours", "The charts draw these."),
    ("optimisers", "What is a share?", "Contours", "The line of that share of the loss at the start"),
    ("optimisers", "What is the first point?", "Adam", "Of this step’s batch, by its number on the sheet Data"),
    ("optimisers", "What is an orange heading?", "Guide", "Orange heading: the weights after the step."),
    ("optimisers", "Who wins the race?", "Race", "less than 1 % is left"),
    ("optimisers", "What do red and blue say of an error?", "Ratings", "red: too low, blue: too high"),
    ("pseudo-labels", "What is green?", "Mixed batch", "Green: a rating to learn from."),
    ("pseudo-labels", "What is yellow?", "Mixed batch", "Yellow: a rating held out"),
    ("pseudo-labels", "What is pink?", "Mixed batch", "the teacher’s prediction stands in"),
    ("pseudo-labels", "What is a blue frame?", "Student", "blue frame: yours to set"),
    ("pseudo-labels", "What does the student predict by?", "Student",
     "prediction = mean + user’s bias + movie’s bias + user’s factor × movie’s factor"),
    ("pseudo-labels", "What stands beside the weights?", "Student", "how far off they are, on average, in stars"),
    ("pseudo-labels", "What is the lowest block?", "Student", "how often the pair was drawn, in all batches"),
    ("pseudo-labels", "What is the loss?", "Student", "Σ weight × (target − prediction)² ÷ Σ weight + penalty"),
    ("pseudo-labels", "Why is the weight of held-out ratings 0?", "Student", "this says how good the student is"),
]  # fmt: skip


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """All that stands in the cells and notes of each lesson's sheets."""
    folder, found = tmp_path_factory.mktemp("answered"), {}
    for lesson in ANSWERED_HERE:
        options = small(lesson, folder)
        path = find(lesson).load().build(folder / f"{lesson}.xlsx", no_gradient_sheet=True, **options)
        found[lesson] = {
            sheet.title: "\n".join(
                str(text)
                for row in sheet
                for cell in row
                for text in (cell.value, cell.comment.text if cell.comment else None)
                if text is not None
            )
            for sheet in openpyxl.load_workbook(path)
        }
    return found


@pytest.mark.parametrize(("lesson", "question", "sheet", "answer"), QUESTIONS)
def test_a_question_is_answered_where_it_is_asked(
    lesson: str, question: str, sheet: str, answer: str, texts: dict[str, dict[str, str]]
) -> None:
    assert answer in texts[lesson][sheet], question
