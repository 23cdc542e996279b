func.func @wrong_axis(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{something else}}
  %y = nd.concat %x axis = 1 : tensor<4xf32> to tensor<4xf32>
  func.return %y : tensor<4xf32>
}
