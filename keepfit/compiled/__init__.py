"""The compiled scorer: a champion as plain tables, without pandas or scikit-learn where one row is asked for."""
