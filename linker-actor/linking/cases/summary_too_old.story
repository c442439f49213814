# A summary is looked for through seven days; what comes later is a conversation of its own.
a 09:00:00 -
  user: sort the apples
  answer: Sorted.
k 09:00:20 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: sort the apples, then sort the pears as well, all by colour.</summary>
c 7d09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sort the apples, then sort the pears as well, all by colour. Continue.
  answer: Continuing.
d 7d09:00:21 -
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: sort the apples, then sort the pears as well, all by colour. Continue.
  answer: Continuing again.
expect c compact of k on compact_090020 by summary
expect d root apart c
