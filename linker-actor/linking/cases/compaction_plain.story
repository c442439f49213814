# A summary without tags stands in the continuation without a heading.
a 09:00:00 -
  user: sort the apples
  answer: Sorted.
k 09:00:10 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: The user asked for the apples to be sorted by colour; they were, and nothing else is left to do.
c 09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. The summary below covers it.\n\nThe user asked for the apples to be sorted by colour; they were, and nothing else is left to do.\n\nGo on.
expect c compact of k on compact_090020 by summary
