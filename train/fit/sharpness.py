"""Sharpness-aware steps (Foret et al. 2021): towards weights around which the loss is low everywhere.

A step first goes a short way up the gradient, to where the loss nearby is high, and takes the gradient there. The
weights then move from where they were. So a step costs two passes, and the training takes twice as long.

Both passes drop the same outputs. The statistics of normalisation, the loss and the accuracy are those of the first
pass, so that they describe the network itself.
"""

from __future__ import annotations

from typing import Any

import keras

from edge_agent.errors import InputError

_TINY = 1e-12


def make_sharpness_aware(model: keras.Model, radius: float) -> keras.Model:
    """The same network, with the same weights, whose steps in training are sharpness-aware.

    Args:
        model: A functional network.
        radius: How far a step goes up the gradient: the length of the way in the space of all weights.

    Returns:
        A network whose ``sharp`` may be set to False for plain steps. Call ``make_train_function(force=True)`` after a
        change.

    Raises:
        InputError: The backend is neither TensorFlow nor JAX.
    """
    kinds: dict[str, Any] = {"tensorflow": _OnTensorFlow, "jax": _OnJax}
    backend = keras.backend.backend()
    if backend not in kinds:
        raise InputError(
            "optimizer.sharpness",
            received=f"the backend {backend}",
            expected=" or ".join(kinds),
            remedy="Set KERAS_BACKEND, or sharpness = 0 in the recipe",
        )
    made = kinds[backend](inputs=model.inputs, outputs=model.outputs, name=model.name)
    made.radius, made.sharp = radius, True
    return made


class _OnTensorFlow(keras.Model):  # type: ignore[misc]  # keras has no type information
    radius: float
    sharp: bool

    def train_step(self, data: Any) -> Any:
        if not self.sharp:
            return super().train_step(data)
        import tensorflow as tf

        weights = self.trainable_variables
        others = self.non_trainable_variables
        here, before = _values(tf, weights), _values(tf, others)
        gradients, loss, predicted = self._gradients(data)
        after = _values(tf, others)
        step = self.radius / (tf.linalg.global_norm(gradients) + _TINY)
        for variable, gradient in zip(weights, gradients, strict=True):
            variable.assign_add(step * gradient)
        _assign(others, before)
        gradients, _, _ = self._gradients(data)
        _assign(weights, here)
        _assign(others, after)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=tf.shape(x)[0])
        return self.compute_metrics(x, y, predicted, sample_weight)

    def _gradients(self, data: Any) -> tuple[list[Any], Any, Any]:
        import tensorflow as tf

        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        return tape.gradient(scaled, self.trainable_variables), loss, predicted


def _values(tf: Any, variables: Any) -> list[Any]:
    return [tf.identity(variable.value) for variable in variables]


def _assign(variables: Any, values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class _OnJax(keras.Model):  # type: ignore[misc]  # keras has no type information
    radius: float
    sharp: bool

    def train_step(self, state: Any, data: Any) -> Any:
        if not self.sharp:
            return super().train_step(state, data)
        import jax

        trainable, others, optimizer_variables, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        gradients_at = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)

        def gradients(weights: Any) -> Any:
            return gradients_at(
                weights,
                others,
                metrics,
                x,
                y,
                sample_weight,
                training=True,
                optimizer_variables=optimizer_variables,
            )

        (_, (loss, predicted, others_after, metrics_after)), upwards = gradients(trainable)
        squares = sum(keras.ops.sum(keras.ops.square(gradient)) for gradient in upwards)
        step = self.radius / (keras.ops.sqrt(squares) + _TINY)
        _, there = gradients([value + step * gradient for value, gradient in zip(trainable, upwards, strict=True)])
        trainable, optimizer_variables = self.optimizer.stateless_apply(optimizer_variables, there, trainable)
        logs, metrics_after = self._update_metrics_variables(metrics_after, loss, x, y, predicted, sample_weight)
        return logs, (trainable, others_after, optimizer_variables, metrics_after)
