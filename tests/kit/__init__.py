"""What tests share: judges, workbooks made and read, samples."""
