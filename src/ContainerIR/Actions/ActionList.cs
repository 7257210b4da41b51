using ContainerIR.Actions.Isolation;

namespace ContainerIR.Actions;

/// <summary>Every action on a container of this host, in the order in which a responder meets them. A new one is a file and a line here.</summary>
internal static class ActionList
{
    public static IReadOnlyList<IAction> Make(ActionParts parts) =>
    [
        new HoldAction(parts),
        new IsolateAction(parts),
        new ReleaseAction(parts),
        new VerifyAction(parts),
        new PauseAction(parts),
        new UnpauseAction(parts),
        new FreezeWindowAction(parts),
        new ThrottleAction(parts),
        new StopProcessAction(parts),
        new RenameAction(parts),
        new DenyImageAction(parts),
        new CommitAction(parts),
        new NetworkDisconnectAction(parts),
        new KillSocketsAction(parts),
        new KillProcessAction(parts),
        new StopAction(parts),
        new RemoveAction(parts),
    ];
}
