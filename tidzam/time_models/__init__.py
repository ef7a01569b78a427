"""When in the day and in the year something occurs: rates per hour listened, and priors of them for decisions. Pure,
but for `prior_file`."""
