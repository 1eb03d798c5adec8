"""Traditional classifiers against the fine-tuned BERT on the same texts: `bearwatch compare`. No other
package imports it.
"""
