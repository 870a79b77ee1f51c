"""The wing of lesson 05: from sets of photographs to a trained model's folder.

`presets` says what a training is made of, `patients` who is learned from and who is held out,
`crops` (and `eyes`, drawn meanwhile) what the network sees, `train` puts it all together; `plan`,
`fitting`, `timing`, `callbacks` and `fingerprint` serve it.
"""

# Nothing is imported here: the workers that draw eyes load this package, and need no TensorFlow.
