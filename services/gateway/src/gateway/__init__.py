"""REST API: takes job requests, stores them, answers with runs, results and alerts."""
