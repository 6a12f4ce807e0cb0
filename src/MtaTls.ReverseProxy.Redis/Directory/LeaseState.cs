namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The state of this node's lease.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Epoch">The node's epoch; 0: none yet.</param>
/// <param name="Age">The time since the lease was last renewed.</param>
/// <param name="IsReached">Whether Redis answered the last command for the lease.</param>
/// <param name="IsNameTaken">Whether another node has the same name and a later epoch.</param>
internal readonly record struct LeaseState(string Node, long Epoch, TimeSpan Age, bool IsReached, bool IsNameTaken);
