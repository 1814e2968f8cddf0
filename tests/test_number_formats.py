"""Formats that are seldom met, as Gnumeric and formulon show them; LibreOffice agrees but where it is named."""

from __future__ import annotations

import pytest

from embedsheet.formulas.number_formats import FormatError, formatted

_LEAP_DAY = 45351  # 29 February 2024


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (0.5, "0\\%", "1%"), (1, '0"%"', "1%"), (0.5, "0.0\\%%", "50.0%%"), (0.5, '# ?/? "%"', " 1/2 %"),
        (12312020, "00\\/00\\/0000", "12/31/2020"), (12312020, '00"/"00"/"0000', "12/31/2020"), (5, '0"/"0', "0/5"),
        (1234.5, "0\\.0", "123.5"), (1234, "0\\,0", "123,4"), (_LEAP_DAY + 0.5, '"v1.0" d', "v1.0 29"),
        (_LEAP_DAY + 0.123456, "h:mm:ss.000 AM/PM", "2:57:46.598 AM"), (_LEAP_DAY, "dd.mm.yyyy", "29.02.2024"),
    ],
)  # fmt: skip
def test_what_is_quoted_stands_for_itself(number: float, code: str, shown: str) -> None:
    assert formatted(number, code) == shown


@pytest.mark.parametrize(
    "code",
    ["0 days", "0 hrs", "0 sec", "0 pcs", "0 units", "#,##0 tons", "0 min", "0 g", "0e", "USD 0", "0d", "d0", "h0"],
)
def test_digits_beside_the_codes_of_a_date_are_no_format(code: str) -> None:
    with pytest.raises(FormatError) as told:
        formatted(5, code)
    assert told.value.known  # TEXT gives #VALUE!


@pytest.mark.parametrize(
    ("code", "shown"),  # LibreOffice takes other calendars
    [("e", "2024"), ("eeee-mm", "2024-02"), ("bb", "67"), ("bbbb", "2567"), ("ggge", "2024"), ("yyyy e", "2024 2024")],
)
def test_years_of_other_eras(code: str, shown: str) -> None:
    assert formatted(_LEAP_DAY, code) == shown


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [  # of ≤ and of what two conditions leave LibreOffice has no sign
        (-20, '[>=1000000]0.0,,"M";[>=1000]0.0,"K";0', "-20"), (-1, '[<1000]0;[<1000000]0.0,"K";0.0,,"M"', "-1"),
        (-1, '[>=1000]0.0,"K";0', "-1"), (-1, "[<0]0.0;0", "1.0"), (-20, "[<-10]0.0;0", "20.0"),
        (-1, "[>-10]0.0;0", "-1.0"), (-20, "[>-10]0.0;0", "20"), (-1, "[<=0]0.0;0", "-1.0"),
        (-1, "[<-5]0.0;[<0]0;0.00", "1"), (-1, "[=-1]0.0;0", "1.0"), (-1, "[<>5]0.0;0", "-1.0"),
        (-1, "[>0]0.0;[<0]0;0.00", "1"), (-1, "[>5]0.0;[<5]0;0.00", "-1"), (-1, "[<5]0.0;-0", "-1.0"),
        (-1, "[>0]0;[<0]-0;0", "-1"), (-1, "[>=0]0;-0.0", "-1.0"), (-1, "[>=-5]0;0.0", "-1"),
        (-20, "[>=-5]0;0.0", "20.0"), (-1, "[<100]0.0", "-1.0"),
    ],
)  # fmt: skip
def test_a_part_for_numbers_below_0_alone_shows_no_sign(number: float, code: str, shown: str) -> None:
    assert formatted(number, code) == shown


@pytest.mark.parametrize(("number", "code"), [(-1, "[<-10]0.0;0"), (-20, "[=-1]0.0;0")])
def test_a_sign_of_which_the_judges_part_is_refused(number: float, code: str) -> None:
    with pytest.raises(FormatError, match="such conditions"):
        formatted(number, code)


@pytest.mark.parametrize("code", ["@", '"x"@', "@ kg"])
def test_a_number_in_a_format_of_texts_is_shown_plainly(code: str) -> None:
    assert formatted(1.5, code) == "1.5"  # so say LibreOffice and pyOpenVBA, too


@pytest.mark.parametrize("code", ["[$-407]mmmm", '[$-411]ggge"年"', "[$-fr-FR]ddd", "[$-D00041E]mmm", "[$-410]h AM/PM"])
def test_dates_in_other_languages_are_refused(code: str) -> None:
    with pytest.raises(FormatError, match="another language"):  # Excel has März, 令和, mar.
        formatted(_LEAP_DAY, code)


@pytest.mark.parametrize(
    ("code", "shown"),
    [("[$-409]mmmm", "February"), ("[$-809]ddd", "Thu"), ("[$-en-GB]mmm", "Feb"), ("[$-407]dd.mm.yyyy", "29.02.2024"),
     ("[$-F800]dddd, mmmm d, yyyy", "Thursday, February 29, 2024"), ("[$€-407] 0", "€ 45351"),
     ("[$USD] 0", "USD 45351"), ("[$-1000409]mmm", "Feb"), ("[$-411]yyyy/m/d", "2024/2/29")],
)  # fmt: skip
def test_english_names_and_dates_in_digits_are_shown(code: str, shown: str) -> None:
    assert formatted(_LEAP_DAY, code) == shown
