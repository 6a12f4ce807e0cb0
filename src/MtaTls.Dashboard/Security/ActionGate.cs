using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace MtaTls.Dashboard.Security;

/// <summary>Decides who may act: users whom <see cref="MtaTlsDashboardOptions.ActionsPolicy"/> lets through. Without a policy nobody may.</summary>
internal sealed class ActionGate(IOptions<MtaTlsDashboardOptions> options, IAuthorizationPolicyProvider policies, IPolicyEvaluator evaluator)
{
    /// <returns>200, or the status to answer with: 404 where nobody may act, 401 or 403.</returns>
    /// <exception cref="InvalidOperationException">There is no such policy.</exception>
    public async Task<int> DecideAsync(HttpContext context)
    {
        if (options.Value.ActionsPolicy is not { Length: > 0 } name)
        {
            return StatusCodes.Status404NotFound;
        }

        AuthorizationPolicy policy = await policies.GetPolicyAsync(name)
            ?? throw new InvalidOperationException($"There is no authorization policy '{name}' ({MtaTlsDashboardOptions.SectionName}:{nameof(MtaTlsDashboardOptions.ActionsPolicy)}): add it with AddAuthorizationBuilder().AddPolicy(...).");
        PolicyAuthorizationResult result = await evaluator.AuthorizeAsync(policy, await evaluator.AuthenticateAsync(policy, context), context, context);
        return result switch
        {
            { Succeeded: true } => StatusCodes.Status200OK,
            { Challenged: true } => StatusCodes.Status401Unauthorized,
            _ => StatusCodes.Status403Forbidden,
        };
    }
}
