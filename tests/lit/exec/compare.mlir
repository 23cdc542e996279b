// Right passes change no result.
// RUN: irc-opt %s -p canonicalize,cse,convert-nd-to-linalg,bufferize,convert-linalg-to-loops --compare-exec | filecheck %s

// CHECK: func.func @f
func.func @f(%a: tensor<?x7xf32, #nd.dims<"m">>, %b: tensor<7x?xf32, #nd.dims<"k">>) -> tensor<?x?xf32, #nd.dims<"m", "k">> {
  %c = nd.dot %a, %b batch [], [] contract [1], [0] : tensor<?x7xf32, #nd.dims<"m">>, tensor<7x?xf32, #nd.dims<"k">> to tensor<?x?xf32, #nd.dims<"m", "k">>
  %d = nd.tanh %c : tensor<?x?xf32, #nd.dims<"m", "k">>
  func.return %d : tensor<?x?xf32, #nd.dims<"m", "k">>
}
