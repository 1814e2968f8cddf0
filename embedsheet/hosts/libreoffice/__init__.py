"""LibreOffice as a host of xlwings: the code that runs in Excel through xlwings runs in Calc through UNO."""
