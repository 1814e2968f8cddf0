"""Where another program calculates cells of `twins` otherwise than embedsheet, and why ours stay.

"Microsoft" is the function's page at support.microsoft.com; where no source is named, the other judges give what we do.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """What the judges make otherwise in some cell of each of these functions."""

    why: str
    judges: str
    functions: str

    @property
    def pairs(self) -> set[tuple[str, str]]:
        """Each judge with each function."""
        return {(judge, function) for judge in self.judges.split() for function in self.functions.split()}


DIFFERENCES = (
    # Ranges.
    Difference("Microsoft: the summed range has the size of the other, from its first cell on", "formulon IronCalc",
               "SUMIF AVERAGEIF"),
    Difference("refuses a summed range of another size", "Gnumeric", "SUMIF AVERAGEIF"),
    Difference("Microsoft: ranges of different sizes are #VALUE!", "IronCalc",
               "SUMIFS AVERAGEIFS COUNTIFS MAXIFS MINIFS"),
    Difference("refuses an array where Excel wants a range", "Gnumeric IronCalc", "SUMIFS AVERAGEIFS MAXIFS MINIFS"),
    Difference("refuses an array where Excel wants a range", "IronCalc", "COUNTIF SUMIF AVERAGEIF"),
    Difference("finds another error than the criterion's", "Gnumeric", "MAXIFS MINIFS"),
    Difference("ranges of different lengths are no fault", "IronCalc", "T.TEST"),
    Difference("ranges of different lengths are no fault", "Gnumeric LibreOffice", "LOOKUP"),
    Difference("an array has no criteria, counts, areas or values", "IronCalc", "COUNT COUNTBLANK NPV AREAS XLOOKUP"),
    Difference("an array is no range", "formulon", "AGGREGATE"),
    Difference("an array of one computed value is no value", "formulon",
               "SERIESSUM MIRR INDIRECT NETWORKDAYS NETWORKDAYS.INTL"),
    Difference("an array of one computed value is no value", "IronCalc", "ARABIC"),
    Difference("an array of one computed value is no value", "LibreOffice", "ERROR.TYPE"),
    Difference("a text where the array's own kind is kept", "IronCalc", "HYPERLINK"),
    Difference("knows no heading of a list that is a number", "Gnumeric LibreOffice",
               "DAVERAGE DGET DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP"),
    Difference("leaves errors in the list's column out", "formulon IronCalc",
               "DAVERAGE DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP"),
    Difference("takes no array for a list or its criteria, and no heading alone", "IronCalc",
               "DAVERAGE DGET DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP"),
    # What A1# is.
    Difference("A1# is an array, no range", "formulon IronCalc", "ISREF"),
    Difference("A1# is an array, no range", "formulon", "COLUMN"),
    Difference("A1# of a row or column is refused", "formulon", "SUMPRODUCT"),
    Difference("A1# of a row or column is refused", "IronCalc",
               "CHISQ.TEST CHITEST CORREL PEARSON RSQ SLOPE INTERCEPT STEYX FORECAST FORECAST.LINEAR SUMXMY2"),
    # Which of several values a plain formula takes.
    Difference("gives the last element, as a plain formula, where Excel stores the first", "formulon", "TRANSPOSE"),
    Difference("takes operators in IRR's range as arrays in a plain formula; in Excel only functions of arrays do",
               "Gnumeric formulon IronCalc", "IRR"),
    Difference("takes the array constant's operator as one value in a plain formula", "formulon", "LOOKUP XNPV"),
    # Texts, truth values, blanks.
    Difference("TRUE in a range counts as 1", "LibreOffice",
               "COUNT COUNTIF COUNTIFS SUMIF SUMIFS AVERAGEIFS MODE MODE.MULT MODE.SNGL XNPV FVSCHEDULE"),
    Difference("counts the other kinds in a computed array otherwise", "LibreOffice", "AVERAGEIF NPV"),
    Difference("a text or blank leaves a pair out in Excel", "LibreOffice", "SUMXMY2 CHISQ.TEST"),
    Difference("a blank or text counts as 0 in a pair", "IronCalc",
               "SUMXMY2 SUMX2MY2 SUMX2PY2"),
    Difference("a blank or text makes the lengths differ", "IronCalc", "COVAR COVARIANCE.P COVARIANCE.S"),
    Difference("TRANSPOSE turns a blank into 0, which counts; a text in an array does not", "formulon IronCalc",
               "VARA VARPA STDEVA STDEVPA"),
    Difference("the same; it counts the text as 0, too", "LibreOffice", "VARA VARPA STDEVA STDEVPA"),
    Difference("TRANSPOSE turns a blank into 0, which counts", "formulon", "MINA"),
    Difference("an array's blank counts: COUNTA(UNIQUE(…))", "Gnumeric LibreOffice IronCalc", "COUNTA"),
    Difference("Microsoft: a text or truth value in the range is #VALUE!", "Gnumeric LibreOffice formulon", "MMULT"),
    Difference("Microsoft: a text or truth value in the range is #VALUE!", "LibreOffice formulon", "LINEST"),
    Difference("Microsoft: a text or truth value in the range is #VALUE!", "IronCalc", "LINEST TREND GROWTH LOGEST"),
    Difference("Microsoft: a text or truth value in the range is #VALUE!", "Gnumeric", "GROWTH"),
    Difference("Microsoft: if any argument is nonnumeric, #VALUE!", "Gnumeric LibreOffice", "GCD LCM MULTINOMIAL"),
    Difference("Microsoft: any value but numbers and blanks is #VALUE!", "formulon IronCalc", "FVSCHEDULE"),
    Difference("Microsoft: if any argument is nonnumeric, #VALUE!", "formulon IronCalc", "SERIESSUM"),
    Difference("a text that is a number is one where a number is wanted", "formulon IronCalc", "Z.TEST"),
    Difference("a text that is a number is one where a number is wanted", "formulon", "FORECAST FORECAST.LINEAR"),
    Difference("a text as holiday is no fault", "LibreOffice", "NETWORKDAYS NETWORKDAYS.INTL WORKDAY.INTL"),
    Difference("reads a blank separator as 0", "Gnumeric", "TEXTJOIN"),
    # Numbers that a function does not take.
    Difference("Microsoft: a number out of bounds is #NUM!", "Gnumeric",
               "BINOM.DIST.RANGE NEGBINOM.DIST DB SYD"),
    Difference("Microsoft: a number out of bounds is #NUM!", "LibreOffice", "NEGBINOMDIST SYD"),
    Difference("Microsoft: a number out of bounds is #NUM!, which the others do not do", "IronCalc",
               "HYPGEOM.DIST HYPGEOMDIST"),
    Difference("Microsoft: if the number is not in the list, #N/A", "Gnumeric LibreOffice", "RANK RANK.EQ RANK.AVG"),
    Difference("an empty text is found at the start", "LibreOffice", "FIND SEARCH"),
    Difference("Microsoft: the place 0 is the whole range", "Gnumeric", "INDEX"),
    Difference("passes over the equal number in a list that is not sorted downwards", "IronCalc", "MATCH"),
    Difference("cannot compare an array that grows", "Gnumeric", "MATCH"),
    # Other results.
    Difference("wants whole periods", "Gnumeric", "CUMIPMT CUMPRINC ISPMT"),
    Difference("Excel cuts a day number's fraction off", "LibreOffice", "DAYS"),
    Difference("counts days of 1900 by another calendar", "Gnumeric", "DAYS"),
    Difference("Excel counts working days backwards as negative", "Gnumeric", "NETWORKDAYS"),
    Difference("refuses holidays that NETWORKDAYS takes", "IronCalc", "WORKDAY WORKDAY.INTL"),
    Difference("the 31st of a month counts as the 30th", "IronCalc", "YEARFRAC"),
    Difference("gives the last days of December to the next year's first week", "LibreOffice", "WEEKNUM"),
    Difference("counts stand where the limits do; Gnumeric and formulon sort them", "Gnumeric formulon", "FREQUENCY"),
    Difference("gives the commonest numbers sorted; the others as they come", "Gnumeric", "MODE.MULT"),
    Difference("swaps limits that stand the wrong way round", "LibreOffice", "PROB"),
    Difference("Microsoft: cut off, not rounded", "LibreOffice", "PERCENTRANK PERCENTRANK.INC PERCENTRANK.EXC"),
    Difference("finds another place in a list that is not sorted", "LibreOffice", "VLOOKUP"),
    Difference("stops at ten digits", "IronCalc", "CHISQ.INV"),
    Difference("stops within 0.000001 percent, as Excel does", "formulon", "XIRR"),
    Difference("rounds a half to the even digit", "IronCalc", "TEXT"),
    Difference("Microsoft: F.TEST is the two-tailed probability, at most 1", "IronCalc", "F.TEST FTEST"),
    Difference("fewer than three pairs have no error of estimate", "Gnumeric", "STEYX"),
    Difference("gives a blank coefficient no power", "Gnumeric", "SERIESSUM"),
    Difference("refuses the call", "Gnumeric", "BASE NUMBERVALUE"),
    Difference("a blank separator", "formulon", "NUMBERVALUE"),
    Difference("all digits; Excel's approximations, which ours are, are right to eight", "Gnumeric LibreOffice",
               "BESSELI BESSELJ BESSELY"),
    Difference("all digits; Excel's approximations, which ours are, are right to eight", "Gnumeric", "BESSELK"),
    Difference("all digits; Excel's approximations, which ours are, are right to eight", "IronCalc", "BESSELJ BESSELY"),
    Difference("counts periods from the first on where Excel counts from the start", "Gnumeric LibreOffice IronCalc",
               "VDB"),
    Difference("another zero of Fahrenheit", "IronCalc", "CONVERT"),
    # Bonds and bills.
    Difference("takes no computed array", "formulon",
               "COUPDAYBS COUPDAYS COUPDAYSNC COUPNCD COUPNUM COUPPCD DISC DURATION INTRATE MDURATION PERCENTOF PRICE "
               "RECEIVED TBILLEQ TBILLPRICE TBILLYIELD YIELD ACCRINT ACCRINTM AMORLINC PRICEDISC PRICEMAT YIELDDISC "
               "YIELDMAT"),
    Difference("takes no computed basis", "LibreOffice", "COUPDAYBS COUPDAYS COUPDAYSNC COUPNCD COUPNUM COUPPCD"),
    Difference("counts days of 1900 by another calendar", "Gnumeric LibreOffice", "DISC INTRATE PRICE YIELD"),
    Difference("day 0 is none", "IronCalc",
               "ACCRINT ACCRINTM AMORLINC DISC DURATION INTRATE MDURATION PRICE PRICEDISC PRICEMAT YIELD YIELDDISC "
               "YIELDMAT"),
    Difference("day −1 is one", "Gnumeric LibreOffice", "ACCRINT ACCRINTM PRICEDISC PRICEMAT YIELDDISC"),
    Difference("takes dates in any order, or counts days of 1900 otherwise", "Gnumeric LibreOffice", "YIELDMAT"),
    Difference("counts from day 0 as from another month", "formulon", "ACCRINT"),
    Difference("must be given the basis", "Gnumeric", "AMORLINC"),
    Difference("writes off more than there is", "LibreOffice", "AMORLINC"),
    Difference("takes no computed par value", "LibreOffice", "ACCRINTM"),
    Difference("counts the first period otherwise", "Gnumeric LibreOffice", "DURATION MDURATION"),
    Difference("pays less than nothing", "Gnumeric LibreOffice", "RECEIVED"),
    Difference("counts one day more", "LibreOffice", "TBILLEQ TBILLPRICE TBILLYIELD"),
    # Cells and sheets.
    Difference("takes no range", "Gnumeric formulon", "ISFORMULA"),
    Difference("Microsoft: what is no reference is #VALUE!", "LibreOffice", "ISFORMULA"),
    Difference("knows no sheet of a range", "Gnumeric IronCalc", "SHEET"),
    Difference("A1# is an array, no range", "formulon", "SHEET SHEETS"),
    Difference("Microsoft: what is no reference is #REF!", "Gnumeric", "SHEETS"),
    # Complex numbers.
    Difference("takes no blank for a unit", "Gnumeric LibreOffice", "COMPLEX"),
    Difference("writes small numbers without an exponent", "formulon IronCalc", "IMCSCH IMSECH"),
    Difference("the 15th digit, and 1i for i", "LibreOffice formulon", "IMPOWER"),
    Difference("takes no range", "IronCalc", "IMPRODUCT IMSUM"),
    Difference("writes 20 digits, others than ours from the 15th on", "Gnumeric", "IMCOSH IMEXP IMSINH"),
    Difference("a cell without a name of a sheet is taken for none at all", "Gnumeric LibreOffice", "ADDRESS"),
    Difference("puts a sheet's name in quotes that could be a column in R1C1", "formulon", "ADDRESS"),
)  # fmt: skip

# What only the ways to fill show that are judged by `make soak`.
FURTHER = (
    Difference("a cell of a table's row is a reference to it, no value", "LibreOffice", "TYPE"),
    Difference("refuses a cell of a table's row where a range is wanted", "IronCalc", "LOOKUP"),
    Difference("refuses a cell of a table's row where a range is wanted", "formulon", "OFFSET CELL"),
    Difference("a blank that a formula passes on is 0, no blank", "LibreOffice", "TEXTJOIN"),
    Difference("takes the range's cell in the formula's own row or column", "IronCalc", "ISFORMULA"),
)
FURTHER_OUTVOTED = {
    "XIRR": "Microsoft: values and dates of different numbers are #NUM!, whatever else the one date is",
    "DISC": "days of 1900 as Excel and formulon count them",
    "YIELDDISC": "the same",
    "PRICEMAT": "the same",
    "YIELDMAT": "the same",
    "FORMULATEXT": "Microsoft: of a range it is that of the upper left cell",
    "ISFORMULA": "of a range the upper left cell, as in LibreOffice",
    "Z.TEST": "a text that is a number is one where a number is wanted; LibreOffice and Gnumeric say so",
}

# Functions in which several judges agree on something else, more than agree with us, or name another error.
OUTVOTED = {
    "ADDRESS": "formulon and IronCalc, where they calculate it, tell an empty cell from no argument",
    "AVERAGEIF": "Microsoft: the averaged range has the size of the other",
    "COUNTA": "an array's blank counts in Excel's COUNTA(UNIQUE(…)), as in formulon",
    "SUMIF": "Microsoft: the summed range has the size of the other",
    "SUMIFS": "an array where Excel wants a range, which nobody can type there",
    "AGGREGATE": "formulon takes no array; the error is the array's own",
    "FVSCHEDULE": "Microsoft: any value but numbers and blanks is #VALUE!",
    "SERIESSUM": "Microsoft: if any argument is nonnumeric, #VALUE!",
    "XNPV": "where a payment is no number all but LibreOffice have an error, Gnumeric and pyOpenVBA this one",
    "GROWTH": "ranges of different lengths are #REF!, as in TREND, where Gnumeric says so too",
    "TREND": "ranges of different lengths are #REF!, as Gnumeric says",
    "LINEST": "Microsoft: a text or truth value is #VALUE!; ranges of different lengths #REF!, as in TREND",
    "BESSELI": "Excel's approximation, right to eight digits, as in formulon and IronCalc",
    "BESSELJ": "Excel's approximation, right to eight digits, as in formulon",
    "BESSELY": "the same",
    "VDB": "periods count from the start, as Excel stored it, and as in formulon",
    "IMCSCH": "15 digits as & writes them; formulon and IronCalc write small numbers without an exponent",
    "IMSECH": "the same",
    "INTRATE": "a day before the first is none, as formulon and IronCalc say",
    "ACCRINT": "the same",
    "ACCRINTM": "the same",
    "PRICEDISC": "the same",
    "AMORLINC": "no more is written off than there is, as formulon says, from day 0 on too",
    "RECEIVED": "no security pays less than nothing, as formulon and IronCalc say",
    "SHEET": "A1# is a reference",
    "SHEETS": "Microsoft: what is no reference is #REF!",
    "IRR": "operators in a plain formula take one value a cell, as LibreOffice does",
    "ISREF": "A1# is a reference",
    "MAKEARRAY": "TRANSPOSE of a function is no function: #CALC!, Excel's error for one that stands alone",
    "MAP": "the same",
    "REDUCE": "the same",
    "MMULT": "Microsoft: a text or truth value is #VALUE!",
    "RANK": "Microsoft: if the number is not in the list, #N/A, as formulon and IronCalc say",
    "RANK.EQ": "the same",
    **dict.fromkeys(
        "DAVERAGE DGET DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP".split(),
        "Gnumeric and LibreOffice know no heading that is a number; an error in the column is the result, as in SUM",
    ),
    "SYD": "Microsoft: a period beyond the life is #NUM!, as formulon and IronCalc say",
    "VARA": "TRANSPOSE turns a blank into 0, which counts; a text in an array does not; so does Gnumeric",
    "VARPA": "the same",
    "STDEVA": "the same",
    "STDEVPA": "the same",
}

# Functions of which no judge says anything.
UNJUDGED = {"LAMBDA": "alone it is #CALC! or refused, and has no result; below MAP and its kin it is judged"}
