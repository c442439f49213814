# The analysis before the summary speaks of the summary's tag; the summary is what counts.
a 09:00:00 -
  user: sort
  answer: Sorted.
k 09:00:10 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <analysis>I will put all of it into <summary> tags, as I was told to, after thinking about it for a while.</analysis>\n<summary>1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.</summary>
c 09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.
  answer: on
expect c compact of k on compact_090020 by summary
