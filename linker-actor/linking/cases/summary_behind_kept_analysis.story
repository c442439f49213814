# An older continuation keeps the analysis, in which the word that heads the summary stands, too.
a 09:00:00 -
  user: sort
  answer: Sorted.
k 09:00:10 -
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <analysis>First look back. Summary: there were apples, and I was to sort them in the order of colour.</analysis>\n<summary>1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.</summary>
c 09:00:20 -
  user: This session is being continued from a previous conversation that ran out of context. The conversation is summarized below:\nAnalysis:\nFirst look back. Summary: there were apples, and I was to sort them in the order of colour.\n\nSummary:\n1. Primary Request and Intent: sorting apples by a command of the shell, which has been run once.\nPlease continue.
  answer: on
expect c compact of k on compact_090020 by summary
