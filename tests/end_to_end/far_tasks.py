"""Tasks of a release that some nodes have and the Nexus has not."""

from jobs import task


@task("far.weigh", timeout=17, retries=1)
def weigh(ctx, item: int, *, unit: str = "g"):
    """Weighs something far away."""
    return f"{item} {unit} on {ctx.node}"


@task("far.join", retries=0)
def join(ctx, item: list):
    return [ctx.node, *sorted(item)]


@task("far.objects", codec="pickle")
def objects(ctx, item):
    return {item}
