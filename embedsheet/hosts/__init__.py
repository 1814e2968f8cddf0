"""The programs that have a workbook open: Excel through xlwings, LibreOffice."""
