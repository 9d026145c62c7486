// The collections by which layers and what runs their graphs know of each
// other. Collections are saved with a graph.
#ifndef WEFT_GRAPH_COLLECTIONS_H_
#define WEFT_GRAPH_COLLECTIONS_H_

namespace weft {

// Pairs of names, of an Output that may be fed, and of the one that it becomes
// in the course of a sequence: the initial and the final states of recurrent
// layers.
inline constexpr char kRecurrentState[] = "recurrent_state";
// Pairs alike, of what random choices of a sequence follow from: a seed, which
// becomes itself, and the number of the first step.
inline constexpr char kRecurrentDraws[] = "recurrent_draws";
// The scopes of layers that also read backwards: their states cannot be carried
// from one part of a sequence to the next.
inline constexpr char kRecurrentBackward[] = "recurrent_backward";

}  // namespace weft

#endif  // WEFT_GRAPH_COLLECTIONS_H_
