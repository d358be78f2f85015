"""What a model's pre-training can be asked: masked words, next sentences, and where in its layers a guess forms."""
