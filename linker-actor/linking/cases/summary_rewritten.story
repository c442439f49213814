# A summary that the client has rewritten is in no answer: the newest one that was asked for in the session is the parent.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
j 09:00:10 S
  class compaction
  after a
  user: Sum it up.
  answer: <summary>1. Primary Request and Intent: the apples were to be sorted by size, by colour and by name.</summary>
k 09:00:20 S
  class compaction
  after a
  user: Sum it up once more.
  answer: <summary>1. Primary Request and Intent: the apples were sorted by size, by colour and by name, all of them.</summary>
c 09:00:30 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: There were apples; the client wrote this summary by itself, and no answer of the model holds these words.
  answer: On.
d 09:00:40 -
  user: This session is being continued from a previous conversation that ran out of context. Summary: There were apples; the client wrote this summary by itself, and no answer of the model holds these words.
expect c compact of k on compact_090030 by summary_header
expect d root apart c by none
