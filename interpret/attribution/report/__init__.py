"""What an auditor is handed: a file's predictions and their explanations, with what each number is worth."""
