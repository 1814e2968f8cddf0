"""What a workbook holds, apart from any file."""
