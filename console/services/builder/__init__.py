"""The model builder: from annotations and days of recordings to the job that trains a recognizer."""
