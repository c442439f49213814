# The analysis is closed, the summary behind it has no tag; the client leaves the analysis out.
a 09:00:00 -
  user: sort
  answer: Sorted.
k 09:00:10 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <analysis>Looking back at it all, there is much to be said about apples.</analysis>\n\n1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.
c 09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. The summary below covers the earlier portion of the conversation.\n\n1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.\nPlease continue.
  answer: On.
expect c compact of k on compact_090020 by summary
