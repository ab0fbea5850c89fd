"""Every text of a notification, in each language.

`str.format` fills the names in braces; a test holds the languages to the same ones. Names of
accounts and keys stay as they are. Why somebody has to sign in is told in English by whoever finds
it out, and `reasons` has the other languages' words for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gateway.accounts.health_states import WhySignIn

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Texts:
    """One language."""

    quota_title: str
    quota_total_title: str
    quota_total: str
    quota_total_reached: str
    quota_accounts: str
    quota_account: str
    quota_switch: str
    quota_watch: str
    daily_title: str
    daily_account: str
    daily_unknown: str
    trouble_title: str
    trouble_login_needed: str
    trouble_suspended: str
    trouble_exhausted: str
    trouble_reason: str
    keys_title: str
    key_near: str
    key_used_up: str
    tokens_per_day: str
    credits_per_month: str
    used_by: str
    resets: str
    until: str
    more: str
    separator: str
    test_title: str
    test_text: str
    reasons: Mapping[WhySignIn, str] = field(default_factory=dict)


ENGLISH = Texts(
    quota_title="Kiro quota: an account reached a threshold",
    quota_total_title="Kiro quota: the total reached a threshold",
    quota_total="All accounts ({counted}): {bar} {percent}%, {used} of {limit} used, {left} left",
    quota_total_reached="The total has reached {threshold}%.",
    quota_accounts="Accounts that reached a threshold: {reached} of {counted}",
    quota_account="{name}: {bar} {percent}% (over {threshold}%), {left} left{resets}. {advice}",
    quota_switch="Use another account.",
    quota_watch="Watch its usage.",
    daily_title="Kiro quota: summary of {date}, {time}",
    daily_account="{name}: {bar} {percent}%, {used} of {limit} used, {left} left{resets}",
    daily_unknown="{name}: no figures",
    trouble_title="Kiro Gateway: an account needs attention",
    trouble_login_needed="{name} has to be signed in again.",
    trouble_suspended="{name} is suspended by the service. Only its owner can mend that.",
    trouble_exhausted="{name} has used up its quota{until}. Use another account.",
    trouble_reason="Reason: {reason}",
    keys_title="Kiro Gateway: an API key is near its limit",
    key_near="API key {name} has used {percent}% of {limit}: {used} of {allowed}{resets}.",
    key_used_up="API key {name} has used up {limit}: {used} of {allowed}{resets}.",
    tokens_per_day="its tokens in 24 hours",
    credits_per_month="its credits of the month",
    used_by="API keys: {names}",
    resets=", begins anew on {date}",
    until=" until {moment}",
    more="… and {count} more",
    separator=", ",
    test_title="Kiro Gateway: test message",
    test_text="Notifications arrive here.",
)

CHINESE = Texts(
    quota_title="Kiro 额度提醒：有账号达到阈值",
    quota_total_title="Kiro 额度提醒：总额度达到阈值",
    quota_total="全部账号（{counted} 个）：{bar} {percent}%，已用 {used} / {limit}，剩余 {left}",
    quota_total_reached="总额度已达到 {threshold}%。",
    quota_accounts="达到阈值的账号：{reached} / {counted}",
    quota_account="{name}：{bar} {percent}%（阈值 {threshold}%），剩余 {left}{resets}。{advice}",
    quota_switch="请更换账号。",
    quota_watch="请注意用量。",
    daily_title="Kiro 额度日报：{date} {time}",
    daily_account="{name}：{bar} {percent}%，已用 {used} / {limit}，剩余 {left}{resets}",
    daily_unknown="{name}：暂无数据",
    trouble_title="Kiro Gateway：有账号需要处理",
    trouble_login_needed="{name} 需要重新登录。",
    trouble_suspended="{name} 已被服务方停用，只有账号所有者可以处理。",
    trouble_exhausted="{name} 的额度已用完{until}。请更换账号。",
    trouble_reason="原因：{reason}",
    keys_title="Kiro Gateway：有 API Key 接近限额",
    key_near="API Key {name} 的{limit}已用 {percent}%：{used} / {allowed}{resets}。",
    key_used_up="API Key {name} 的{limit}已用完：{used} / {allowed}{resets}。",
    tokens_per_day="24 小时 Token 限额",
    credits_per_month="本月 Credit 限额",
    used_by="API Key：{names}",
    resets="，{date} 重置",
    until="，{moment} 恢复",
    more="…… 另有 {count} 个",
    separator="、",
    test_title="Kiro Gateway：测试消息",
    test_text="通知可以送达此处。",
    reasons={
        "token_refused": "Kiro 拒绝了该账号的令牌。请刷新令牌或重新登录。",
        "signed_out": "该账号没有登录信息。请登录，或从本机导入登录信息。",
        "spent": "登录服务不再接受该账号的刷新令牌。请重新登录。",
        "no_refresh_token": "该账号没有刷新令牌。请重新登录。",
        "no_registration": "该账号缺少客户端注册信息。请重新登录。",
        "no_endpoint": "该账号的令牌端点不是公网 https 地址。请重新登录，"
        "或将其主机加入 upstream.allowed_private_hosts。",
        "not_renewable": "该账号没有可以刷新的令牌。请重新登录。",
    },
)

TEXTS: Mapping[Language, Texts] = MappingProxyType({"en": ENGLISH, "zh": CHINESE})
